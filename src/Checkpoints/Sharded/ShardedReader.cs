using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Sharded;

/// <summary>
/// Opens a sharded checkpoint by its index. Tensors come shard by shard, in each as they lie in its file: the disk reads forward, and who holds one
/// shard at a time is done with each before the next. (The index itself is often sorted by tensor, and jumps between shards.)
/// </summary>
internal static class ShardedReader
{
    public static Checkpoint Read(SourceFile file)
    {
        var index = ShardIndex.Read(file);
        var folder = Path.GetDirectoryName(file.Path) ?? "";
        var files = new List<string>(index.Shards.Count);
        var entries = new List<TensorEntry>();
        var metadata = new Dictionary<string, string>(index.Metadata);
        var reads = new FileReads(file.Reads);
        foreach (var (shard, tensors) in index.Shards)
        {
            files.Add(Path.Combine(folder, shard));
            // Closed at once: only its headers are wanted, and there may be more shards than a process may have files open.
            using var checkpoint = OpenShard(file, shard, files[^1], reads);
            CheckTensors(file, shard, tensors, checkpoint);
            entries.AddRange(checkpoint.Entries);
            foreach (var (key, value) in checkpoint.Metadata) metadata.TryAdd(key, value);
        }

        return new Checkpoint(file.Path, CheckpointFormat.Sharded, files, entries, metadata, reads);
    }

    private static Checkpoint OpenShard(SourceFile index, string shard, string path, FileReads reads)
    {
        try
        {
            using var file = SourceFile.Open(path, index.Reads);
            reads.Expect(file);
            // Indexes of indexes would have no end.
            return ShardIndex.Recognises(file)
                ? throw file.Refuse(CheckpointError.Malformed, $"is an index, but {index.Path} names it as a shard")
                : FileFormats.Read(file);
        }
        catch (CheckpointException e) when (e.Error == CheckpointError.NotFound)
        {
            throw new CheckpointException(CheckpointError.NotFound, index.Path, $"names shard '{shard}', which is not there: download it too", inner: e);
        }
    }

    private static void CheckTensors(SourceFile index, string shard, HashSet<string> expected, Checkpoint found)
    {
        foreach (var entry in found.Entries)
        {
            if (!expected.Remove(entry.Name)) throw Refuse($"is in shard '{shard}', but the index does not say so: the two are not of one checkpoint", entry.Name);
        }

        if (expected.Count > 0) throw Refuse($"is not in shard '{shard}', where the index says it is: the two are not of one checkpoint", expected.First());

        CheckpointException Refuse(string problem, string tensor) => new(CheckpointError.Malformed, index.Path, problem, tensor);
    }
}
