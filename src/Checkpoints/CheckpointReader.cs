using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Folders;

namespace Loadline.Checkpoints;

/// <summary>Opens a path: a file by what <see cref="FileFormats"/> makes of its contents, a folder by the one checkpoint that lies in it.</summary>
internal static class CheckpointReader
{
    public static Checkpoint Open(string path, PositionedReads reads)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Directory.Exists(path) ? FolderReader.Read(path, reads) : OpenFile(path, reads);
    }

    public static Checkpoint OpenFile(string path, PositionedReads reads)
    {
        using var file = SourceFile.Open(path, reads);
        return FileFormats.Read(file);
    }
}
