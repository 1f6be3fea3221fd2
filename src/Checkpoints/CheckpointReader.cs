namespace Loadline.Checkpoints;

/// <summary>Finds out the format from the contents and hands over to its reader.</summary>
internal static class CheckpointReader
{
    public static Checkpoint Open(string path) => throw new NotSupportedException();
}
