using Loadline.Checkpoints;

namespace Loadline.Benchmarks.Pieces;

/// <summary>Checkpoints of many small tensors, with names as deep as a transformer's.</summary>
internal static class ManyTensors
{
    private const int Elements = 16;

    /// <summary>Writes one into a temporary folder, where it stays until <see cref="Remove"/>.</summary>
    public static string Write(CheckpointFormat format, int count)
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("loadline-pieces-").FullName, "w");
        using var writer = CheckpointWriter.Create(path, format, Declare(count));
        writer.Write(new byte[count * Elements * sizeof(float)]);
        writer.Commit();
        return path;
    }

    public static List<TensorDeclaration> Declare(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new TensorDeclaration($"model.layers.{i / 12}.block.{i % 12}.weight", DType.Float32, [Elements]))];

    public static void Remove(string path) => Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
}
