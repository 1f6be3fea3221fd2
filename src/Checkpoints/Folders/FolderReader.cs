using System.Text;
using Loadline.Checkpoints.Distributed;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Formats;
using Loadline.Checkpoints.Index;
using Loadline.Checkpoints.PerTensor;
using Loadline.Checkpoints.Sharded;
using Loadline.Checkpoints.Zero;

namespace Loadline.Checkpoints.Folders;

/// <summary>
/// Opens a folder by the one checkpoint that lies in it. The rule stands in docs/formats.md, and is asked in this order: what a folder is as a whole, the
/// names that Hugging Face's libraries know, any other lone file of weights, a file per tensor.
/// </summary>
internal static class FolderReader
{
    private const int MaxTagBytes = 256;

    // From a hub's cache to a snapshot, and to its latest save.
    private const int MostSteps = 3;

    /// <exception cref="CheckpointException">There is none, there are several, or a folder cannot be listed.</exception>
    public static CheckpointIndex Read(string folder, PositionedReads reads) => Read(folder, reads, new Ledger(), steps: 0);

    // What is looked at on the way, and is none, pays together.
    private static CheckpointIndex Read(string folder, PositionedReads reads, Ledger looks, int steps)
    {
        if (steps > MostSteps) throw new CheckpointException(CheckpointError.LimitExceeded, folder, "is where folders lead that name one another: name the one with the checkpoint");
        try
        {
            return Choose(folder, reads, looks, steps);
        }
        // A folder below this one: this one's own listing is refused where it is made.
        catch (Exception e) when (e is UnauthorizedAccessException or DirectoryNotFoundException)
        {
            throw new CheckpointException(CheckpointError.Unreadable, folder, $"cannot be listed: {e.Message}", inner: e);
        }
    }

    private static CheckpointIndex Choose(string folder, PositionedReads reads, Ledger looks, int steps)
    {
        if (HubCache.SnapshotOf(folder) is { } snapshot) return Read(snapshot, reads, looks, steps + 1).OpenedBy(folder);
        var files = FolderFiles.Of(folder);
        if (files.Has(DistributedReader.MetadataName)) return DistributedReader.Read(folder, reads);
        ShardIndex? read = null;
        if (ModelFile.Choose(files, name => read = ReadIndex(files.PathOf(name), reads)) is { } model)
            return read is not null && ShardIndex.HasName(model) ? OpenIndex(model, read) : OpenFile(model);
        var indexes = files.Names.Where(ShardIndex.HasName).ToList();
        if (indexes is [var index]) return OpenFile(index);
        if (indexes.Count > 1) throw Several(indexes);

        if (ZeroReader.TryRead(files, reads, looks) is { } zero) return RequireNoLatest(files, zero);
        var weights = OnePerStem(files.Weights);
        var parts = files.EndingIn(PerTensorReader.Extension);
        return (weights, parts) switch
        {
            ([var only], []) => OpenFile(only),
            ([_, ..], []) => throw Several(weights),
            ([], [_, ..]) => PerTensorReader.Open(folder, [.. files.Names.Where(IsPart)], reads),
            ([], []) when LatestOf(files) is { } latest => ReadLatest(latest, reads, looks, steps + 1).OpenedBy(folder),
            ([], []) => TensorsOfStates(files, reads, looks) ?? throw OtherFolders.Refuse(files),
            _ => throw Refuse($"is a folder with {FolderFiles.Some(weights)} and {parts.Count} .pt files: name the file, or move the others away"),
        };

        CheckpointIndex OpenFile(string name) => FileFormats.Open(files.PathOf(name), reads).OpenedBy(folder);
        CheckpointIndex OpenIndex(string name, ShardIndex index)
        {
            using var file = SourceFile.Open(files.PathOf(name), reads);
            if (TarHeader.HasMagic(file.Head) || !ShardIndex.Recognises(file)) return FileFormats.Read(file).OpenedBy(folder);
            // As if it were read now: it was, beside another ledger.
            file.Ledger.Read(file.Length);
            file.Ledger.Work(ShardIndex.StepsPerByte * file.Length);
            return ShardedReader.Read(file, index, FileFormats.ReadPart).OpenedBy(folder);
        }

        CheckpointException Several(IReadOnlyList<string> names) => Refuse($"is a folder with several checkpoints: name one of {FolderFiles.Some(names)}");
        CheckpointException Refuse(string problem) => new(CheckpointError.UnknownFormat, folder, problem);
    }

    // DeepSpeed keeps each save in a folder of its own, and the name of the last one beside them.
    private static string? LatestOf(FolderFiles files)
    {
        if (!files.Has("latest")) return null;
        var tag = Encoding.UTF8.GetString(SourceFile.ReadWhole(files.PathOf("latest"), MaxTagBytes, "the name of the latest save")).Trim();
        if (tag is "" or "." or ".." || tag.AsSpan().ContainsAny('/', '\0') || !Directory.Exists(files.PathOf(tag)))
        {
            throw new CheckpointException(CheckpointError.NotFound, files.Folder, $"is a folder of DeepSpeed, whose file 'latest' names '{tag}', which is no folder in it");
        }

        // DeepSpeed's script finds the files by a pattern of a shell, and Python cuts other blanks from a text than .NET.
        if (tag.AsSpan().ContainsAny("*?[]") || tag.Any(char.IsControl))
            throw new CheckpointException(CheckpointError.Malformed, files.Folder, $"is a folder of DeepSpeed, whose file 'latest' names '{tag}', by which its script may find another: name the folder itself");
        return files.PathOf(tag);
    }

    // As DeepSpeed's script does, which looks for the ranks' files there, whatever else there is.
    private static CheckpointIndex ReadLatest(string folder, PositionedReads reads, Ledger looks, int steps) =>
        ZeroReader.TryRead(FolderFiles.Of(folder), reads, looks) ?? Read(folder, reads, looks, steps);

    // Which the script would follow.
    private static CheckpointIndex RequireNoLatest(FolderFiles files, CheckpointIndex zero)
    {
        if (!files.Has("latest")) return zero;
        zero.Dispose();
        throw new CheckpointException(
            CheckpointError.Malformed, files.Folder, "has ranks' files of ZeRO beside a file 'latest', which names the folder of others: remove one of the two, or name that folder");
    }

    // A tensor of an optimizer has a file of a name that training leaves beside a model; a folder of nothing else is what was asked for.
    private static CheckpointIndex? TensorsOfStates(FolderFiles files, PositionedReads reads, Ledger looks)
    {
        // Beside other files it is what training left, whatever they are.
        if (files.Names.Count == 0 || !files.Names.All(IsPart)) return null;
        var tensors = PerTensorReader.Open(files.Folder, [.. files.Names], reads, looks);
        if (tensors.Entries.Count > 0) return tensors;
        tensors.Dispose();
        return null;
    }

    private static bool IsPart(string name) => name.EndsWith(PerTensorReader.Extension, StringComparison.Ordinal);

    // As of a model's usual names: safetensors beside another file of the same stem is the same weights.
    private static List<string> OnePerStem(List<string> names)
    {
        var known = names.ToHashSet();
        return names.FindAll(name => name.EndsWith(".safetensors", StringComparison.Ordinal) || !known.Contains(Path.ChangeExtension(name, ".safetensors")));
    }

    private static ShardIndex ReadIndex(string path, PositionedReads reads)
    {
        using var file = SourceFile.Open(path, reads);
        return ShardIndex.Read(file);
    }
}
