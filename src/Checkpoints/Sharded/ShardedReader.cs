using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Index;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Sharded;

/// <summary>
/// Opens a sharded checkpoint by its index. Tensors come shard by shard, in each as they lie in its file: the disk reads forward, and who holds one
/// shard at a time is done with each before the next. (The index itself is often sorted by tensor, and jumps between shards.)
/// </summary>
internal static class ShardedReader
{
    private const int MaxNotes = 100;

    // Its place in a dictionary that grows, and in the one before it.
    private const int BytesPerValue = 100;

    /// <param name="file">The index.</param>
    /// <param name="readShard">Reads a shard of any format.</param>
    public static CheckpointIndex Read(SourceFile file, Func<SourceFile, CheckpointIndex> readShard) => Read(file, ShardIndex.Read(file), readShard);

    /// <summary>The same of an index that was read already.</summary>
    public static CheckpointIndex Read(SourceFile file, ShardIndex index, Func<SourceFile, CheckpointIndex> readShard)
    {
        var folder = Path.GetDirectoryName(file.Path) ?? "";
        var files = new List<string>(index.Shards.Count);
        var entries = new List<TensorEntry>();
        var metadata = new Dictionary<string, string>(index.Metadata);
        var notes = new List<string>();
        var unloadable = new List<UnloadableTensor>();
        var reads = new FileReads(file.Reads);
        foreach (var (shard, tensors) in index.Shards)
        {
            files.Add(Path.Combine(folder, shard));
            // Closed at once: only its headers are wanted, and there may be more shards than a process may have files open.
            using var checkpoint = OpenShard(file, shard, files[^1], reads, readShard);
            Take(file, shard, tensors, checkpoint, (entries, unloadable, notes));
            notes.AddRange(checkpoint.Notes.Except(notes).Take(MaxNotes - notes.Count).ToList());
            foreach (var (key, value) in checkpoint.Metadata)
            {
                if (metadata.ContainsKey(key)) continue;
                file.Ledger.Charge(BytesPerValue + MemorySize.OfText(key.Length) + MemorySize.OfText(value.Length));
                metadata.Add(key, value);
            }
        }

        return new CheckpointIndex(file.Path, CheckpointFormat.Sharded, files, entries, metadata, reads, unloadable) { Notes = notes, Description = file.Path };
    }

    private static CheckpointIndex OpenShard(SourceFile index, string shard, string path, FileReads reads, Func<SourceFile, CheckpointIndex> readShard)
    {
        try
        {
            using var file = SourceFile.Open(path, index.Reads, index.Ledger);
            reads.Expect(file);
            // Indexes of indexes would have no end.
            return ShardIndex.Recognises(file)
                ? throw file.Refuse(CheckpointError.Malformed, $"is an index, but {index.Path} names it as a shard")
                : readShard(file);
        }
        catch (CheckpointException e) when (e.Error == CheckpointError.NotFound)
        {
            throw new CheckpointException(CheckpointError.NotFound, index.Path, $"names shard '{shard}', which is not there: download it too", inner: e);
        }
    }

    // The tensors that the index says are in a shard. What the shard holds besides is of no checkpoint, or of an older one.
    private static void Take(
        SourceFile index, string shard, HashSet<string> expected, CheckpointIndex found,
        (List<TensorEntry> Entries, List<UnloadableTensor> Unloadable, List<string> Notes) taken)
    {
        // Of safetensors each name is a key.
        if (found.Format != CheckpointFormat.Safetensors) RefuseTwoKeys(index, shard, expected, found);
        var (others, other) = (0, "");
        foreach (var tensor in found.Unloadable)
        {
            if (IsTaken(tensor.Name)) taken.Unloadable.Add(tensor);
        }

        foreach (var entry in found.Entries)
        {
            if (IsTaken(entry.Name)) taken.Entries.Add(entry);
        }

        if (expected.Count > 0)
        {
            throw new CheckpointException(
                CheckpointError.Malformed, index.Path,
                $"is not in shard '{shard}', where the index says it is: the two are not of one checkpoint; download both again, or take its line out of the index",
                expected.First());
        }

        if (others > 0 && taken.Notes.Count < MaxNotes)
        {
            taken.Notes.Add($"shard '{shard}' holds '{other}'{(others > 1 ? $" and {others - 1} more" : "")}, which the index does not say: left out");
        }

        bool IsTaken(string name)
        {
            if (expected.Remove(name)) return true;
            if (others++ == 0) other = name;
            return false;
        }
    }

    // By 'a.b' the index means a key that is called so; whoever finds it here may have what lies under 'b' in 'a'.
    private static void RefuseTwoKeys(SourceFile index, string shard, HashSet<string> expected, CheckpointIndex found)
    {
        foreach (var name in found.Entries.Select(entry => entry.Name).Concat(found.Unloadable.Select(tensor => tensor.Name)))
        {
            if (name.Contains("\\.", StringComparison.Ordinal) && expected.Contains(name.Replace("\\.", ".", StringComparison.Ordinal)))
            {
                throw new CheckpointException(
                    CheckpointError.Malformed, index.Path, $"stands in shard '{shard}' twice: under a key of this name, and in a dictionary", name.Replace("\\.", ".", StringComparison.Ordinal));
            }
        }
    }
}
