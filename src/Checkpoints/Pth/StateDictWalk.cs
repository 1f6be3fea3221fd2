using System.Text;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Pth;

/// <summary>
/// Walks through what a pickle holds and collects tensors under dotted names, as in <c>optimizer.state.0.exp_avg</c>, and all other values as metadata.
/// A module gives what its <c>state_dict()</c> would; of other values that are not on the allow-list, arguments, items and attributes are looked through.
/// </summary>
/// <remarks>
/// Containers may be shared, so that a small pickle can describe exponentially many names: visits and what they leave behind are charged to the file's
/// <see cref="Ledger"/>. Metadata ends where it is much; tensors do not.
/// </remarks>
/// <param name="path">The file, for errors.</param>
/// <param name="ledger">Charged for every visit.</param>
/// <param name="expectedTensors">About how many there will be: room for them is made at once.</param>
internal sealed partial class StateDictWalk(string path, Ledger ledger, int expectedTensors = 0)
{
    // A name is put together, looked up and taken apart again.
    private const int StepsPerMember = 4;

    // What is visited again may lie anywhere, and what it holds elsewhere. The first time it has its own bytes, and has been charged for.
    private const int StepsPerVisit = 30;

    private const int MaxDepth = 256;
    private const int MaxNameLength = 1 << 16;

    // What commands and loads take for one, its own 350 bytes included. A tensor's description takes 250 bytes of the file and more, where each has a storage.
    private const int BytesPerTensor = 900;

    private readonly StringBuilder _name = new();
    private readonly TensorNames _names = new(expectedTensors);
    private readonly List<TensorEntry> _entries = new(expectedTensors);
    private readonly List<UnloadableTensor> _unloadable = [];
    private Func<string, TensorValue, TensorEntry> _locate = (_, _) => throw new InvalidOperationException("nothing is visited yet");
    private bool _notesValues = true;

    // The outermost module around what is visited.
    private OpaqueValue? _module;

    /// <summary>Whether it is of TorchScript.</summary>
    public bool HasCode { get; set; }

    /// <summary>The classes of TorchScript whose code makes tensors of what stands in the pickle, which nobody knows who does not run it; null where all may.</summary>
    public IReadOnlySet<string>? MadeByCode { get; set; }

    public IReadOnlyList<TensorEntry> Entries => _entries;

    public IReadOnlyList<UnloadableTensor> Unloadable => _unloadable;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Visits the whole value of a pickle. A bare tensor has the empty name.</summary>
    /// <param name="root">The value.</param>
    /// <param name="locate">Finds a tensor's bytes, and checks that it stays inside them.</param>
    /// <param name="name">Stands before the names; empty for the pickle that a checkpoint is.</param>
    public void Visit(object? root, Func<string, TensorValue, TensorEntry> locate, string name = "")
    {
        _locate = locate;
        _name.Clear().Append(name);
        Visit(root, depth: 0, new Place(null, null, 0));
    }

    private void Visit(object? value, int depth, Place place)
    {
        ledger.Work(1);
        switch (value)
        {
            case TensorValue tensor: Add(_locate(NewName(), tensor), place); break;
            case PendingTensor pending: Visit(Contents(pending), depth, place); break;
            case NumpyArray array: VisitArray(array.Filled ?? array, depth, place); break;
            case RefusedTensor refused: AddUnloadable(refused.Problem, place); break;
            case PickleSet set: Note(set); break;
            case PickleContainer container: VisitContainer(container, depth); break;
            case OpaqueValue opaque: VisitOpaque(opaque, depth); break;
            case StorageReference when HasCode: AddUnloadable("is a storage without a shape, which libtorch takes for a tensor: save its state_dict() instead", place); break;
            default: Note(value); break;
        }
    }

    private static PickledTensor Contents(PendingTensor pending) => pending.Contents ?? new RefusedTensor("was never given contents");

    private void VisitArray(NumpyArray array, int depth, Place place)
    {
        if (array.Objects is { } objects) VisitContainer(objects, depth);
        else if (array.Type?.DType is not { } dtype) Note(array);
        else
        {
            var storage = new StorageEntry(path, 0, array.Data.Length) { Inline = array.Data };
            Add(new TensorEntry(NewName(), dtype, array.Shape, array.Strides(), 0, storage), place);
        }
    }

    private void VisitContainer(PickleContainer container, int depth)
    {
        // Of empty tuples there is but one.
        if (container.IsVisited || container.Count == 0) ledger.Work(StepsPerVisit);
        if (container.IsEntered) Note("(contains itself)");
        else if (container.Count == 0 || IsLongAndPlain(container)) Note(container);
        else
        {
            container.IsEntered = container.IsVisited = true;
            VisitItems(container, Deeper(depth));
            container.IsEntered = false;
        }
    }

    private int Deeper(int depth) => depth < MaxDepth ? depth + 1 : throw Limit($"nests deeper than {MaxDepth} levels");

    private void VisitItems(PickleContainer container, int depth)
    {
        if (container is PickleDictionary dictionary) RequireDistinctKeys(dictionary);
        var index = 0L;
        for (var run = 0; run < container.RunCount; run++)
        {
            var items = container.Run(run);
            if (container is PickleDictionary)
            {
                for (var i = 0; i < items.Length; i += 2)
                {
                    if (!IsLeftOut(items[i + 1])) VisitMember(container, items[i], items[i + 1], depth);
                }
            }
            else
            {
                foreach (var item in items)
                {
                    if (!IsLeftOut(item)) VisitMember(container, index, item, depth);
                    index++;
                }
            }
        }
    }

    // Python keeps the last, after a while in which it had the first: whoever writes so wants two readers to see different things.
    private void RequireDistinctKeys(PickleDictionary dictionary)
    {
        if (!dictionary.TryFindDouble(ledger, out var key)) return;
        var name = _name.Length > 0 ? $"{_name}.{Key(key)}" : Key(key);
        var problem = PickleKeys.IsComputed(key) ? "stands there under a key that may be equal to another: Python computes it" : "stands in the checkpoint twice";
        throw new CheckpointException(CheckpointError.Malformed, path, problem, name);
    }

    private void VisitMember(PickleContainer? container, object? key, object? value, int depth)
    {
        var length = _name.Length;
        if (length > 0) _name.Append('.');
        var start = _name.Length;
        var text = Key(key);
        ledger.Work(StepsPerMember + text.Length / 8);
        if (start + text.Length > MaxNameLength) throw Limit($"has a name of {start + text.Length} characters, more than the limit of {MaxNameLength}");
        _name.Append(text);
        Visit(value, depth, new Place(container, key, start, _module));
        _name.Length = length;
    }

    private string NewName()
    {
        ledger.Charge(MemorySize.OfText(_name.Length));
        return _name.ToString();
    }

    private void Add(TensorEntry entry, Place place)
    {
        // Commands show names, and the loads index them: each of them a copy or two.
        ledger.Charge(BytesPerTensor + 4L * entry.Name.Length);
        var name = _names.Take(entry.Name, place, _entries.Count, (index, renamed) => _entries[index] = _entries[index] with { Name = renamed })
            ?? throw Twice(entry.Name);
        _entries.Add(ReferenceEquals(name, entry.Name) ? entry : entry with { Name = name });
    }

    private void AddUnloadable(string reason, Place place)
    {
        ledger.Charge(BytesPerTensor + 4L * _name.Length);
        var name = NewName();
        _unloadable.Add(new UnloadableTensor(_names.Take(name, place, -1, null) ?? throw Twice(name), reason));
    }

    private CheckpointException Twice(string name) => new(CheckpointError.Malformed, path, "stands in the checkpoint twice", name);

    private CheckpointException Limit(string problem) => new(CheckpointError.LimitExceeded, path, $"the pickle {problem}");

    /// <summary>Where a value stands: in what, under which key, where that key starts in the name, and in which module, whose state_dict has each name once.</summary>
    internal readonly record struct Place(object? Parent, object? Key, int KeyStart, object? Module = null);
}
