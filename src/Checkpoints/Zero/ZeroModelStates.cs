using System.Collections.Immutable;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Zero;

/// <summary>What a <c>*_model_states.pt</c> of DeepSpeed says: the parameters' shapes in the order of the flat groups, buffers, frozen parameters and ties.</summary>
internal sealed class ZeroModelStates
{
    /// <summary>What an entry takes, and its storage, shape and strides.</summary>
    public const int BytesPerEntry = 400;

    // A name and a shape in a list, and the name's place in a set.
    private const int BytesPerName = 100;

    private const int BytesPerGroup = 80;

    private readonly Ledger _ledger;

    private ZeroModelStates(Ledger ledger) => _ledger = ledger;

    /// <summary>Of each parameter group, the parameters in the order in which its flat vector holds them.</summary>
    public List<List<(string Name, ImmutableArray<long> Shape)>> Groups { get; } = [];

    /// <summary>Buffers, as they are.</summary>
    public List<TensorEntry> Buffers { get; } = [];

    /// <summary>Parameters that were not trained, with their whole shape and this rank's part: all of them in stages 1 and 2.</summary>
    public List<(string Name, ImmutableArray<long> Shape, TensorEntry Part)> Frozen { get; } = [];

    /// <summary>Names that are ties, and of what.</summary>
    public List<(string Name, string Of)> Shared { get; } = [];

    /// <summary>Reads one; null where it has no shapes, as without ZeRO.</summary>
    public static ZeroModelStates? Read(SourceFile file)
    {
        var archive = new ZeroArchive(file);
        if (ZeroPartition.DictionaryOf(file, archive.Root, "what it holds") is not { } states || states.Find("param_shapes", file.Ledger) is not { } shapes) return null;
        if (shapes is not PickleContainer groups) throw file.Refuse(CheckpointError.Malformed, "has param_shapes that are no dictionaries of shapes");
        var read = new ZeroModelStates(file.Ledger);
        // Before there were several groups it was one dictionary.
        foreach (var group in groups is PickleDictionary only ? [only] : PickleLooks.ItemsOf(groups, file.Ledger))
        {
            file.Ledger.Charge(BytesPerGroup);
            read.Groups.Add(ShapesOf(file, group));
        }

        var module = DictionaryIn(file, states, "module");
        read.AddBuffers(file, module, NamesIn(file, states.Find("buffer_names", file.Ledger)), archive.Locate);
        read.AddFrozen(file, DictionaryIn(file, states, "frozen_param_shapes"), DictionaryIn(file, states, "frozen_param_fragments"), archive.Locate);
        archive.RefuseOverlaps();
        read.AddShared(file, module, DictionaryIn(file, states, "shared_params"));
        return read;
    }

    // The script takes what is none for one that it is: of what a function made nobody knows what is in it.
    private static PickleDictionary? DictionaryIn(SourceFile file, PickleDictionary states, string name) => states.Find(name, file.Ledger) switch
    {
        null => null,
        // What is a name to Python 2 may be another's.
        PickleDictionary dictionary => dictionary.HasTextKeys(file.Ledger) ? dictionary : throw file.Refuse(CheckpointError.Malformed, $"has '{name}' with names that are no texts"),
        _ => throw file.Refuse(CheckpointError.Malformed, $"has '{name}', which is no dictionary"),
    };

    // The script asks whether a name is in it: of a text that is a part of one, of a dictionary a key. It takes what is no text for a name as well.
    private static List<string> NamesIn(SourceFile file, object? names) => names switch
    {
        null => [],
        PickleList or PickleTuple or PickleSet => PickleLooks.ItemsOf((PickleContainer)names, file.Ledger).ConvertAll(name => name as string
            ?? throw file.Refuse(CheckpointError.Malformed, "has buffer_names that are no texts")),
        _ => throw file.Refuse(CheckpointError.Malformed, "has buffer_names that are no list"),
    };

    private static List<(string, ImmutableArray<long>)> ShapesOf(SourceFile file, object? shapes) => shapes is not PickleDictionary dictionary
        ? throw file.Refuse(CheckpointError.Malformed, "has param_shapes that are no dictionaries of shapes")
        : PickleLooks.PairsOf(dictionary, file.Ledger).ConvertAll(pair => pair.Key is string name && PickleLooks.ShapeOf(pair.Value, file.Ledger) is { } shape
            ? (name, shape)
            : throw file.Refuse(CheckpointError.Malformed, "has param_shapes with something else than names, and shapes that a tensor can have"));

    private void AddBuffers(SourceFile file, PickleDictionary? module, List<string> names, Func<string, TensorValue, TensorEntry> locate)
    {
        if (module is null || names.Count == 0) return;
        var wanted = names.Select(Charged).ToHashSet();
        foreach (var (key, value) in PickleLooks.PairsOf(module, _ledger))
        {
            if (key is not string name || !wanted.Contains(Charged(name))) continue;
            var settled = Settled(value);
            if (settled is RefusedTensor refused) throw new CheckpointException(CheckpointError.Unsupported, file.Path, refused.Problem, name);
            if (settled is not TensorValue tensor) throw new CheckpointException(CheckpointError.Malformed, file.Path, "is named as a buffer, and is no tensor", name);
            _ledger.Charge(BytesPerEntry);
            Buffers.Add(locate(name, tensor));
        }
    }

    // A tensor that was made first and given its contents later.
    private static object? Settled(object? value) => value is PendingTensor { Contents: { } contents } ? contents : value;

    private void AddFrozen(SourceFile file, PickleDictionary? shapes, PickleDictionary? fragments, Func<string, TensorValue, TensorEntry> locate)
    {
        if (shapes is null) return;
        foreach (var (name, shape) in ShapesOf(file, shapes))
        {
            if (Settled(fragments?.Find(name, _ledger)) is not TensorValue tensor) throw new CheckpointException(CheckpointError.Malformed, file.Path, "is frozen, but its values are not there", name);
            _ledger.Charge(BytesPerEntry);
            Frozen.Add((name, shape, locate(name, tensor)));
        }
    }

    // Before DeepSpeed wrote them down, ties were those of the module: the same storage under another name.
    private void AddShared(SourceFile file, PickleDictionary? module, PickleDictionary? shared)
    {
        if (shared is not null)
        {
            foreach (var (key, value) in PickleLooks.PairsOf(shared, _ledger))
            {
                if (key is not string name || value is not string other) throw file.Refuse(CheckpointError.Malformed, "has shared_params that are no texts");
                Shared.Add((name, other));
            }

            return;
        }

        if (module is null) return;
        var known = Groups.SelectMany(group => group.Select(p => p.Name)).Concat(Buffers.Select(b => b.Name)).Concat(Frozen.Select(f => f.Name)).Select(Charged).ToHashSet();
        var tensors = PickleLooks.PairsOf(module, _ledger).Where(p => p.Key is string && Settled(p.Value) is TensorValue)
            .Select(p => (Name: Charged((string)p.Key!), Tensor: (TensorValue)Settled(p.Value)!)).ToList();
        // Each is hashed three times by its storage's key.
        foreach (var (_, tensor) in tensors) _ledger.Work(1 + tensor.Storage.Key.Length / 2);
        var named = new Dictionary<Spot, (string Name, TensorValue Tensor)>();
        foreach (var one in tensors.Where(t => known.Contains(t.Name))) named.TryAdd(Spot.Of(one.Tensor), one);
        foreach (var (name, tensor) in tensors)
        {
            if (!known.Contains(name) && named.TryGetValue(Spot.Of(tensor), out var other) && tensor.HasContentsOf(other.Tensor)) Shared.Add((name, other.Name));
        }
    }

    // Where a tensor begins.
    private sealed record Spot(string Key, long Offset)
    {
        public static Spot Of(TensorValue tensor) => new(tensor.Storage.Key, tensor.Offset);

        public override int GetHashCode() => HashCode.Combine(Key, (int)Offset, (int)(Offset >> 32));
    }

    // Of a name that is looked up or put into a set: hashed, and compared.
    private string Charged(string name)
    {
        _ledger.Work(1 + name.Length / 4);
        _ledger.Charge(BytesPerName);
        return name;
    }
}
