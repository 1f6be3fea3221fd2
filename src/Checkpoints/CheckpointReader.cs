using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.PerTensor;
using Loadline.Checkpoints.Sharded;

namespace Loadline.Checkpoints;

/// <summary>Opens a path: a file by what <see cref="FileFormats"/> makes of its contents, a folder by the one checkpoint that lies in it.</summary>
internal static class CheckpointReader
{
    public static Checkpoint Open(string path, PositionedReads reads)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Directory.Exists(path) ? OpenFolder(path, reads) : OpenFile(path, reads);
    }

    private static Checkpoint OpenFile(string path, PositionedReads reads)
    {
        using var file = SourceFile.Open(path, reads);
        return FileFormats.Read(file);
    }

    private static Checkpoint OpenFolder(string folder, PositionedReads reads)
    {
        var names = ListFiles(folder);
        var whole = Array.FindAll(names, HoldsAll);
        var parts = Array.FindAll(names, name => name.EndsWith(PerTensorReader.Extension, StringComparison.Ordinal));
        return (whole, parts) switch
        {
            ([], [_, ..]) => PerTensorReader.Read(folder, [.. parts.Select(name => Path.Combine(folder, name))], reads),
            ([var only], []) => OpenFile(Path.Combine(folder, only), reads).OpenedBy(folder),
            ([], []) => throw Refuse("is a folder without a checkpoint that Loadline knows by its name: name the checkpoint's file inside it"),
            (_, []) => throw Refuse($"is a folder with several checkpoints: name one of {string.Join(", ", whole)}"),
            _ => throw Refuse($"is a folder with {string.Join(", ", whole)} and {parts.Length} .pt files: name the file, or move one of the two away"),
        };

        CheckpointException Refuse(string problem) => new(CheckpointError.UnknownFormat, folder, problem);
    }

    /// <summary>Whether a name stands for all of a checkpoint. Others do not count: shards, and what training leaves beside the model.</summary>
    private static bool HoldsAll(string name) =>
        ShardIndex.HasName(name) || name is "model.safetensors" or "pytorch_model.bin" || name.EndsWith(".pth", StringComparison.Ordinal);

    /// <summary>The names of the folder's files in the order of their bytes, which no culture changes.</summary>
    private static string[] ListFiles(string folder)
    {
        try
        {
            var names = Array.ConvertAll(Directory.GetFiles(folder), path => Path.GetFileName(path));
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(CheckpointError.Unreadable, folder, $"cannot be listed: {e.Message}", inner: e);
        }
    }
}
