using System.Collections.Immutable;
using System.Text;
using Loadline.Checkpoints.Assembly;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Index;

namespace Loadline.Checkpoints.Zero;

/// <summary>
/// The float32 weights of a training with DeepSpeed's ZeRO, stages 1 to 3, from the optimizer's parts, as its own <c>zero_to_fp32.py</c> makes them, but
/// where they lie: nothing is copied together before it is read. Buffers and frozen parameters keep their dtype.
/// </summary>
internal sealed class ZeroReader
{
    // What the assembled entry and its storage take, and its places in the indexes; the file has no more of it than a name and a shape.
    private const int BytesPerTensor = 600;

    // A microsecond for each that is read, however short.
    private const long StepsPerReadPart = 64;
    private const int StepsPerPart = 4;

    private const string OptimizerEnd = "_optim_states.pt";
    private const string ModelEnd = "_model_states.pt";

    private readonly string _folder;
    private readonly FileReads _reads;
    private readonly PositionedReads _positioned;
    private readonly Ledger _ledger;
    private readonly List<TensorEntry> _entries = [];
    private readonly List<string> _files = [];

    private ZeroReader(string folder, PositionedReads positioned, Ledger ledger) =>
        (_folder, _positioned, _reads, _ledger) = (folder, positioned, new FileReads(positioned), ledger);

    /// <summary>Opens a folder of ZeRO; null where it is none.</summary>
    /// <param name="files">The folder's.</param>
    /// <param name="positioned">How they are read.</param>
    /// <param name="ledger">Of all looks on the way to the checkpoint: what is no ZeRO, after all, is paid for as well.</param>
    /// <exception cref="CheckpointException">It is one, but a rank's file is missing, or the parts do not make the weights.</exception>
    public static CheckpointIndex? TryRead(FolderFiles files, PositionedReads positioned, Ledger ledger)
    {
        var (optimizers, models) = (Ranked(files, OptimizerEnd), Ranked(files, ModelEnd));
        if (optimizers.Count == 0 || models.Count == 0) return null;
        var reader = new ZeroReader(files.Folder, positioned, ledger);
        return reader.Read(optimizers, ZeroPartition.Read) is { } parts && reader.Read(models, ZeroModelStates.Read) is { } states ? reader.Assemble(parts, states) : null;
    }

    // As the script finds them, which sees no hidden files.
    private static List<string> Ranked(FolderFiles files, string end) =>
        [.. files.Names.Where(name => name.EndsWith(end, StringComparison.Ordinal) && name[0] != '.').Order(RankOrder.Instance)];

    private List<T>? Read<T>(List<string> names, Func<SourceFile, T?> read)
        where T : class
    {
        for (var i = 1; i < names.Count; i++)
        {
            if (RankOrder.Instance.Compare(names[i - 1], names[i]) == 0) throw Refuse($"has two files of one rank, '{names[i - 1]}' and '{names[i]}'");
        }

        // Python takes digits of any script for such, and sorts by code points.
        if (names.Find(name => !Ascii.IsValid(name)) is { } odd) throw Refuse($"has a file '{odd}', as DeepSpeed names none");
        var all = new List<T>(names.Count);
        foreach (var name in names)
        {
            using var file = SourceFile.Open(Path.Combine(_folder, name), _positioned, _ledger);
            if (read(file) is not { } one) return null;
            _reads.Expect(file);
            _files.Add(file.Path);
            all.Add(one);
        }

        return all;
    }

    private CheckpointIndex Assemble(List<ZeroPartition> parts, List<ZeroModelStates> states)
    {
        var first = parts[0];
        if (parts.Count != first.Count)
        {
            throw Refuse($"has {parts.Count} files *{OptimizerEnd}, but the weights are divided over {first.Count}: copy the files of all ranks, or remove those of an older save");
        }

        if (parts.Exists(p => (p.Stage, p.Count, p.Groups.Count) != (first.Stage, first.Count, first.Groups.Count))) throw Refuse($"has files *{OptimizerEnd} of several trainings");
        if (first.Stage == 3 && states.Count != parts.Count) throw Refuse($"has {states.Count} files *{ModelEnd}, but {parts.Count} of {OptimizerEnd}: copy the files of all ranks");
        _entries.AddRange(states[0].Buffers);
        AddFrozen(states, first.Stage);
        if (first.Stage == 3) AddStage3(parts, states[0]);
        else AddStage2(parts, states[0]);
        AddTies(states[0].Shared);
        return new CheckpointIndex(_folder, CheckpointFormat.Zero, _files, _entries, new Dictionary<string, string> { ["zero_stage"] = $"{first.Stage}" }, _reads);
    }

    // Each group's vector is that of all ranks in a row; parameters follow each other in it, and padding follows them.
    private void AddStage2(List<ZeroPartition> parts, ZeroModelStates states)
    {
        if (states.Groups.Count != parts[0].Groups.Count) throw Refuse($"has {parts[0].Groups.Count} flat groups, but shapes of {states.Groups.Count}");
        for (var group = 0; group < states.Groups.Count; group++)
        {
            var vector = Flat(parts.Select(p => p.Groups[group]));
            var at = 0L;
            foreach (var (name, shape) in states.Groups[group])
            {
                var count = Shapes.ElementCount(shape.AsSpan());
                if (count > vector.Length - at) throw Short(name);
                Add(name, shape, vector.Range(at, count, 0, count));
                at += count;
            }

            var alignment = 2L * parts.Count;
            if ((at + alignment - 1) / alignment != (vector.Length + alignment - 1) / alignment) throw Refuse($"has {vector.Length} elements in group {group}, of which parameters take {at}");
        }
    }

    // Each rank has an equal part of every parameter, the last one padded; on a rank they follow each other through all groups.
    private void AddStage3(List<ZeroPartition> parts, ZeroModelStates states)
    {
        // The script cuts all as it does the first.
        if (parts.Exists(p => !p.Groups.Select(g => g.ElementCount).SequenceEqual(parts[0].Groups.Select(g => g.ElementCount)))) throw Refuse("has ranks whose flat groups are of other lengths");
        var vectors = parts.ConvertAll(p => Flat(p.Groups));
        var (at, length) = (0L, vectors.Min(v => v.Length));
        foreach (var (name, shape) in states.Groups.SelectMany(group => group))
        {
            var count = Shapes.ElementCount(shape.AsSpan());
            var each = (count + parts.Count - 1) / parts.Count;
            if (each > length - at) throw Short(name);
            var chunks = new List<TensorChunk>();
            // Of a small one the last ranks have nothing.
            for (var (rank, start) = (0, 0L); rank < parts.Count && start < count; (rank, start) = (rank + 1, start + each))
            {
                _ledger.Work(StepsPerPart);
                chunks.AddRange(vectors[rank].Range(at, Math.Min(each, count - start), start, count));
            }

            Add(name, shape, chunks);
            at += each;
        }

        if (vectors.Exists(v => v.Length != at)) throw Refuse($"has {vectors[0].Length} elements on a rank, of which parameters take {at}");
    }

    private void AddFrozen(List<ZeroModelStates> states, int stage)
    {
        for (var i = 0; i < states[0].Frozen.Count; i++)
        {
            var (name, shape, part) = states[0].Frozen[i];
            if (stage < 3)
            {
                // The script takes it as it is, whatever shape was said.
                if (!part.Shape.SequenceEqual(shape)) throw Short(name);
                _ledger.Charge(BytesPerTensor);
                _entries.Add(part with { Name = name });
                continue;
            }

            var count = Shapes.ElementCount(shape.AsSpan());
            var ranks = states.ConvertAll(s => i < s.Frozen.Count && s.Frozen[i].Name == name ? s.Frozen[i].Part : throw Short(name));
            if (ranks.Exists(r => r.Shape.Length != 1 || !r.IsContiguous || r.DType != part.DType)) throw Short(name);
            var vector = Flat(ranks);
            if (count > vector.Length) throw Short(name);
            Add(name, shape, vector.Range(0, count, 0, count), part.DType);
        }
    }

    // As zero_to_fp32.py sets them: also over what has the name already, and a tie of a tie is one.
    private void AddTies(List<(string Name, string Of)> ties)
    {
        if (ties.Count == 0) return;
        var byName = new Dictionary<string, int>(_entries.Count);
        for (var i = 0; i < _entries.Count; i++) byName.TryAdd(_entries[i].Name, i);
        foreach (var (name, of) in ties)
        {
            _ledger.Work(1 + (name.Length + of.Length) / 4);
            if (!byName.TryGetValue(of, out var at)) continue;
            _ledger.Charge(BytesPerTensor);
            var tie = _entries[at] with { Name = name };
            // Who writes or hashes them reads the parts for each name.
            _ledger.Work(StepsPerReadPart * (tie.Storage.Assembled?.Parts.Count() ?? 1L));
            if (byName.TryAdd(name, _entries.Count)) _entries.Add(tie);
            else _entries[byName[name]] = tie;
        }
    }

    private FlatVector Flat(IEnumerable<TensorEntry> parts) => new(parts, _folder, _ledger);

    // What nothing is of has the dtype of what it would be cut from, which the script makes float32 but for frozen ones.
    private void Add(string name, ImmutableArray<long> shape, List<TensorChunk> chunks, DType? ofNothing = null)
    {
        _ledger.Work(1 + name.Length / 4);
        _ledger.Charge(BytesPerTensor);
        var dtype = chunks is [var chunk, ..] ? chunk.Entry.DType : ofNothing ?? DType.Float32;
        var flat = AssembledTensor.Assemble(name, dtype, [Shapes.ElementCount(shape.AsSpan())], chunks, _folder, _ledger);
        _entries.Add(flat with { Shape = shape, Strides = Shapes.ContiguousStrides(shape.AsSpan()) });
    }

    private CheckpointException Short(string name) => new(CheckpointError.Malformed, _folder, "needs more elements than the ranks' files have left for it", name);

    private CheckpointException Refuse(string problem) => new(CheckpointError.Malformed, _folder, $"is a checkpoint of DeepSpeed's ZeRO and {problem}");
}
