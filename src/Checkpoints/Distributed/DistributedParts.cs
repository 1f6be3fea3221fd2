using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;
using Loadline.Checkpoints.Pth;

namespace Loadline.Checkpoints.Distributed;

/// <summary>The parts in the files of a distributed checkpoint: their headers, read file by file and front to back.</summary>
/// <param name="folder">Where the files are.</param>
/// <param name="metadata">What names them.</param>
/// <param name="reads">Opens them again later.</param>
internal sealed class DistributedParts(string folder, SourceFile metadata, FileReads reads)
{
    // A file of torch.save around a scalar.
    private const int LeastItemBytes = 400;

    // A dozen reads, and an archive's directory.
    private const int StepsPerPart = 1500;

    // An entry and its place in an index, or a value's in two dictionaries.
    private const int BytesPerValue = 300;
    private const int MaxNotes = 100;

    private readonly Dictionary<DistributedItem, PthContents> _contents = [];

    /// <summary>Every file that holds a part.</summary>
    public List<string> Files { get; } = [];

    /// <summary>What is odd about values, as far as it is told.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Reads the headers of parts.</summary>
    /// <exception cref="CheckpointException">A file is missing or too short, or a part is refused.</exception>
    public void Read(IEnumerable<DistributedItem> items)
    {
        foreach (var byFile in items.Distinct().GroupBy(item => item.File).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var path = Path.Combine(folder, byFile.Key);
            using var file = Open(path, byFile.Key);
            reads.Expect(file);
            Files.Add(path);
            var (end, near) = (0L, new WindowedReads(file.Reads));
            foreach (var item in byFile.OrderBy(item => item.Offset))
            {
                if (item.Offset < end) throw file.Refuse(CheckpointError.Malformed, $"has parts that overlap at {item.Offset}");
                _contents.Add(item, ReadOne(file, item, near));
                end = item.Offset + item.Length;
            }
        }
    }

    /// <summary>The tensor that a part is, held against what the metadata says of it.</summary>
    public TensorEntry TensorOf(string name, DType dtype, DistributedBox box)
    {
        if (_contents[box.Item].Entries is not [{ Name: "" } entry]) throw Refuse(name, box.Item, "is no single tensor");
        if (entry.DType == dtype && entry.Shape.SequenceEqual(box.Sizes)) return entry;
        throw Refuse(name, box.Item, $"is {entry.DType} of shape {Shapes.Format(entry.Shape.AsSpan())}, but the metadata says {dtype} of {Shapes.Format(box.Sizes.AsSpan())}");
    }

    /// <summary>Refuses a value that others lie in, unless nothing else does, and tells of it.</summary>
    /// <exception cref="CheckpointException">It is no empty dictionary or list.</exception>
    public void RequireEmpty(string name, DistributedItem item, string inside)
    {
        if (_contents[item].IsEmpty)
        {
            Note($"keeps an empty value at '{name}', and '{inside}' inside of it: PyTorch may put the first over the other");
            return;
        }

        throw metadata.Refuse(
            CheckpointError.Unsupported,
            $"keeps a value at '{name}', and '{inside}' inside of it: load the folder by torch.distributed.checkpoint into a state dict that has one of them, and save that");
    }

    /// <summary>Takes in a value that is no tensor by itself: as metadata, and what tensors are inside of it.</summary>
    public void AddValue(string name, DistributedItem item, Dictionary<string, string> values, List<TensorEntry> entries, List<UnloadableTensor> unloadable)
    {
        var contents = _contents[item];
        foreach (var note in contents.Notes) Note($"in the value '{name}', {note}");
        foreach (var (key, text) in contents.Metadata)
        {
            Charge(name, key);
            // Two keys of the program's, of which one would be lost.
            if (!values.TryAdd(Below(name, key), text)) throw metadata.Refuse(CheckpointError.Malformed, $"has two values that are both called '{Below(name, key)}' here");
        }

        foreach (var tensor in contents.Unloadable)
        {
            Charge(name, tensor.Name);
            unloadable.Add(tensor with { Name = Below(name, tensor.Name) });
        }

        foreach (var entry in contents.Entries)
        {
            Charge(name, entry.Name);
            entries.Add(entry with { Name = Below(name, entry.Name) });
        }
    }

    private void Note(string note)
    {
        if (Notes.Count == MaxNotes) return;
        metadata.Ledger.Work(1 + note.Length / 8);
        metadata.Ledger.Charge(MemorySize.OfText(note.Length));
        Notes.Add(note);
    }

    // Several names may stand for one part, each with all that is in it.
    private void Charge(string name, string key)
    {
        metadata.Ledger.Work(1 + (name.Length + key.Length) / 8);
        metadata.Ledger.Charge(BytesPerValue + 2 * MemorySize.OfText(name.Length + key.Length));
    }

    private static string Below(string name, string key) => key.Length == 0 ? name : $"{name}.{key}";

    private SourceFile Open(string path, string name)
    {
        try
        {
            return SourceFile.Open(path, metadata.Reads, metadata.Ledger);
        }
        catch (CheckpointException e) when (e.Error == CheckpointError.NotFound)
        {
            throw new CheckpointException(CheckpointError.NotFound, metadata.Path, $"names '{name}', which is not there: copy the files of all ranks", inner: e);
        }
    }

    private static PthContents ReadOne(SourceFile file, DistributedItem item, WindowedReads near)
    {
        if (item.Offset > file.Length || item.Length > file.Length - item.Offset)
            throw file.Refuse(CheckpointError.Truncated, $"has {file.Length} bytes, but the metadata places a part of {item.Length} at {item.Offset}");
        if (item.Length < LeastItemBytes) throw file.Refuse(CheckpointError.Truncated, $"holds a part of {item.Length} bytes at {item.Offset}, by the metadata, which is less than any has");

        file.Ledger.Work(StepsPerPart);
        // Of a large one what lies between its ends is weights.
        using var slice = file.Slice(item.Offset, item.Length, item.Length <= WindowedReads.WindowBytes ? near : null);
        return PthReader.ReadContents(slice).ShiftedBy(item.Offset);
    }

    private CheckpointException Refuse(string tensor, DistributedItem item, string problem) =>
        new(CheckpointError.Malformed, Path.Combine(folder, item.File), $"has a part at {item.Offset} that {problem}", tensor);
}
