using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.PerTensor;

namespace Loadline.Checkpoints;

/// <summary>Opens a path: a file by what <see cref="FileFormats"/> makes of its first bytes, a folder by what lies in it.</summary>
internal static class CheckpointReader
{
    public static Checkpoint Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Directory.Exists(path) ? OpenFolder(path) : OpenFile(path);
    }

    private static Checkpoint OpenFile(string path)
    {
        using var file = SourceFile.Open(path);
        return FileFormats.Read(file);
    }

    private static Checkpoint OpenFolder(string path)
    {
        var files = PerTensorReader.FindFiles(path);
        return files.Length > 0
            ? PerTensorReader.Read(path, files)
            : throw new CheckpointException(CheckpointError.UnknownFormat, path, "is a folder without .pt files: name the checkpoint file inside it");
    }
}
