using System.Collections.Immutable;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;
using Loadline.Checkpoints.Sharded;

namespace Loadline.Checkpoints.Distributed;

/// <summary>Where a part lies: a stretch of one of the folder's files, which is a file of <c>torch.save</c> in itself.</summary>
internal sealed record DistributedItem(string File, long Offset, long Length)
{
    // The halves of a number by themselves: .NET's hash of a long is the one against the other, and numbers that a stranger chose would all have the same.
    public override int GetHashCode() => HashCode.Combine(File, (int)Offset, (int)(Offset >> 32), (int)Length, (int)(Length >> 32));
}

/// <summary>A box of a tensor, and where its elements are.</summary>
internal sealed record DistributedBox(ImmutableArray<long> Offsets, ImmutableArray<long> Sizes, DistributedItem Item);

/// <summary>A tensor as it was before ranks wrote their parts of it.</summary>
internal sealed record DistributedTensor(string Name, DType? DType, ImmutableArray<long> Shape, List<DistributedBox> Boxes);

/// <summary>
/// The <c>.metadata</c> of a torch.distributed.checkpoint folder: a pickle of dataclasses that says of each tensor its shape, its boxes, and for each box
/// where it lies. Source: torch/distributed/checkpoint/metadata.py and filesystem.py of PyTorch 2.6.
/// </summary>
internal sealed class DistributedMetadata
{
    // What the boxes, their places and the entries take beside the pickle's own values.
    private const int BytesPerBox = 600;
    private const int BytesPerTensor = 200;
    private const int BytesPerValue = 100;

    // In a table of names, for as long as ways are looked at.
    private const int BytesPerName = 60;

    // A tensor, a box of one or the place of a part is put together from half a dozen attributes, and looked up by texts that are made for it.
    private const int StepsPerDescribed = 100;

    // A path is cut at each slash.
    private const int StepsPerCharacter = 4;

    private readonly SourceFile _file;
    private readonly Dictionary<(string Name, string Offsets), DistributedItem> _items = [];

    private DistributedMetadata(SourceFile file) => _file = file;

    private Ledger Ledger => _file.Ledger;

    public List<DistributedTensor> Tensors { get; } = [];

    /// <summary>What is no tensor: numbers, strings and other objects.</summary>
    public List<(string Name, DistributedItem Item)> Values { get; } = [];

    /// <summary>The names of values that the planner puts others into, each with one of these.</summary>
    public IReadOnlyDictionary<string, string> Around { get; private set; } = new Dictionary<string, string>();

    /// <exception cref="CheckpointException">It is not what PyTorch writes.</exception>
    public static DistributedMetadata Read(SourceFile file)
    {
        if (file.Length > PickleInput.MaxBytes) throw file.Refuse(CheckpointError.LimitExceeded, $"has {file.Length} bytes, more than the limit of {PickleInput.MaxBytes}");
        var context = new PickleContext(file.Path, file.Ledger) { IsLoadedByPickle = true };
        using var input = new PickleInput(file, file.Ledger);
        var root = new PickleMachine(input, context, _ => null).Run();
        context.RefuseHostile();
        var metadata = new DistributedMetadata(file);
        if (metadata.Made(root) is not { } whole || whole.Attribute("state_dict_metadata", file.Ledger) is not PickleDictionary named
            || whole.Attribute("storage_data", file.Ledger) is not PickleDictionary places)
        {
            throw metadata.Refuse("is no metadata of torch.distributed.checkpoint with the places of its tensors");
        }

        var described = PickleLooks.PairsOf(named, file.Ledger);
        if (whole.Attribute("planner_data", file.Ledger) is { } paths)
        {
            metadata.Around = new DistributedPaths(file).Require(paths, metadata.Kinds(described));
            file.Ledger.Refund(BytesPerName * (long)described.Count);
        }

        foreach (var (index, info) in PickleLooks.PairsOf(places, file.Ledger)) metadata.AddPlace(index, info);
        foreach (var (name, value) in described) metadata.Add(metadata.Name(name), value);
        return metadata;
    }

    // Of what is there, whether it is no tensor.
    private Dictionary<string, bool> Kinds(List<(object? Key, object? Value)> described)
    {
        var kinds = new Dictionary<string, bool>(described.Count);
        foreach (var (key, value) in described)
        {
            var name = Name(key);
            Ledger.Work(1 + name.Length / 8);
            Ledger.Charge(BytesPerName);
            kinds.Add(name, Made(value) is { } made && IsValue(made));
        }

        return kinds;
    }

    private string Name(object? key) => key as string ?? throw Refuse("names something by what is no text");

    // The planner asks for the class, whatever else there is.
    private static bool IsValue(OpaqueValue described) => Is(described, "BytesStorageMetadata");

    // In whichever of its modules: they have moved, and one imports them from another. Of another's class nobody knows what it makes of its attributes.
    private static bool Is(OpaqueValue made, string type) =>
        made.Name.StartsWith("torch.distributed.", StringComparison.Ordinal) && made.Name.AsSpan(made.Name.LastIndexOf('.') + 1).SequenceEqual(type);

    // A class that is called with arguments may have other attributes from these than its state says.
    private OpaqueValue? Made(object? value) => value is OpaqueValue { Arguments.Count: 0 } made && HasTextKeys(made) ? made : null;

    private OpaqueValue? Made(object? value, string type) => Made(value) is { } made && Is(made, type) ? made : null;

    // Python computes other keys, and PyTorch takes a dictionary of five for the five values of a TensorProperties.
    private bool HasTextKeys(OpaqueValue made)
    {
        if (made.States is not { } states) return true;
        foreach (var state in states.Run(0))
        {
            if (state is PickleDictionary dictionary && !dictionary.HasTextKeys(Ledger)) return false;
        }

        return true;
    }

    private void AddPlace(object? index, object? info)
    {
        Ledger.Work(StepsPerDescribed);
        Ledger.Charge(BytesPerBox);
        if (Made(index, "MetadataIndex") is not { } key || key.Attribute("fqn", Ledger) is not string name
            || Made(info, "_StorageInfo") is not { } place || place.Attribute("relative_path", Ledger) is not string path
            || place.Attribute("offset", Ledger) is not (long and >= 0 and var offset) || place.Attribute("length", Ledger) is not (long and >= 0 and var length))
        {
            throw Refuse("has a place of a part that is not one of FileSystemWriter's");
        }

        if (place.Attribute("transform_descriptors", Ledger) is not (null or PickleContainer { Count: 0 }))
            throw _file.Refuse(CheckpointError.Unsupported, $"has a part of '{name}' that was transformed (compressed, encrypted) as it was written: load it with PyTorch and save it without extensions");
        // Whoever looks for the parts of a file hashes its name.
        Ledger.Work(StepsPerCharacter * (long)path.Length);
        ShardIndex.CheckName(_file, path);
        if (!_items.TryAdd((name, Key(name, key.Attribute("offset", Ledger))), new DistributedItem(path, offset, length))) throw Refuse($"has two places for one part of '{name}'");
    }

    private void Add(string name, object? described)
    {
        Ledger.Work(StepsPerDescribed);
        if (Made(described) is not { } value) throw Refuse($"describes '{name}' by what is neither a tensor's metadata nor a value's");
        if (IsValue(value))
        {
            if (!_items.TryGetValue((name, Key(name, null)), out var item)) throw Refuse($"does not say where '{name}' is: the save did not end");
            Ledger.Work(1 + item.File.Length / 4);
            Ledger.Charge(BytesPerValue);
            Values.Add((name, item));
            return;
        }

        if (!Is(value, "TensorStorageMetadata")) throw Refuse($"describes '{name}' by what is neither a tensor's metadata nor a value's");
        if (PickleLooks.ShapeOf(value.Attribute("size", Ledger), Ledger) is not { } shape) throw Refuse($"describes tensor '{name}' without a size that one can have");
        // PyTorch goes through the keys of a dictionary, and of two parts of a set that are one to it takes one.
        var parts = value.Attribute("chunks", Ledger);
        if (parts is not (PickleList or PickleTuple)) throw Refuse($"describes tensor '{name}' without a list of its parts");
        var chunks = (PickleContainer)parts;
        Ledger.Charge(BytesPerTensor);
        var boxes = new List<DistributedBox>(chunks.Count);
        foreach (var chunk in PickleLooks.ItemsOf(chunks, Ledger)) boxes.Add(BoxOf(name, shape, chunk));
        Tensors.Add(new DistributedTensor(name, DTypeOf(value.Attribute("properties", Ledger)), shape, boxes));
    }

    private DistributedBox BoxOf(string name, ImmutableArray<long> shape, object? chunk)
    {
        Ledger.Work(StepsPerDescribed);
        Ledger.Charge(BytesPerBox);
        if (Made(chunk, "ChunkStorageMetadata") is not { } box || PickleLooks.SizesOf(box.Attribute("offsets", Ledger), Ledger) is not { } offsets
            || PickleLooks.SizesOf(box.Attribute("sizes", Ledger), Ledger) is not { } sizes
            || offsets.Length != shape.Length || sizes.Length != shape.Length)
        {
            throw Refuse($"has a part of tensor '{name}' that is no box of its shape {Shapes.Format(shape.AsSpan())}");
        }

        for (var d = 0; d < shape.Length; d++)
        {
            if (sizes[d] > shape[d] || offsets[d] > shape[d] - sizes[d]) throw Refuse($"has a part of tensor '{name}' that reaches out of its shape {Shapes.Format(shape.AsSpan())}");
        }

        if (!_items.TryGetValue((name, Key(name, box.Attribute("offsets", Ledger))), out var item))
            throw Refuse($"does not say where the part of tensor '{name}' at {Shapes.Format(offsets.AsSpan())} is: the save did not end");
        // Parts are told apart by it, and one may stand for any number of boxes.
        Ledger.Work(item.File.Length / 8);
        return new DistributedBox(offsets, sizes, item);
    }

    // (dtype, layout, requires_grad, memory_format, pin_memory), or the same as attributes.
    private DType? DTypeOf(object? properties)
    {
        if (properties is not OpaqueValue value) return null;
        if (!Is(value, "TensorProperties") || !HasTextKeys(value)) throw Refuse("has the properties of a tensor by another class than PyTorch's, or under keys that are no texts");
        if (value.Attribute("dtype", Ledger) is PickleGlobal named) return named.DType;
        return value.States is { } states && PickleLooks.ItemsOf(states, Ledger).OfType<PickleTuple>().FirstOrDefault() is { Items: [PickleGlobal dtype, ..] } ? dtype.DType : null;
    }

    // Two places of one tensor differ in their offsets; a scalar's are none, and a value has none.
    private string Key(string name, object? offsets)
    {
        // Both are hashed. A name may be long, and stand for a thousand boxes.
        Ledger.Work(1 + name.Length / 8);
        if (offsets is null) return "";
        if (PickleLooks.SizesOf(offsets, Ledger) is not { } numbers) throw Refuse($"places a part of '{name}' by offsets that are none");
        var key = $"({string.Join(',', numbers)})";
        Ledger.Charge(MemorySize.OfText(key.Length));
        return key;
    }

    private CheckpointException Refuse(string problem) => _file.Refuse(CheckpointError.Malformed, problem);
}
