using System.Buffers.Binary;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;
using Loadline.Checkpoints.Pth;

namespace Loadline.Checkpoints.Legacy;

/// <summary>
/// The storages of a legacy file. The pickle refers to them by key, a list gives the keys' order, and then come for each the number of its elements,
/// in 8 bytes, and the elements: every place in the file follows from those numbers, so that no weight is read to find another.
/// </summary>
internal sealed class LegacyStorages(SourceFile file)
{
    private const int CountBytes = 8;
    private const int BytesPerReference = 150;

    // A system call for each.
    private const int StepsPerStorage = 150;

    // What a pickle says of it is taken apart, and kept in a table.
    private const int StepsPerReference = 20;

    // By the key of a storage, or of a part of one.
    private readonly Dictionary<string, StorageReference> _references = [];
    private readonly Dictionary<string, StorageEntry> _entries = [];

    /// <summary>
    /// Reads a persistent id: ('storage', class, key, location, count, None or (key, offset, count) of a part). Anything else becomes a value that no
    /// tensor accepts, but for ('module', class, file, source), which stands for the class.
    /// </summary>
    public object? Refer(object? id)
    {
        if (id is PickleTuple { Items: ["module", PickleGlobal module, ..] }) return module;
        if (id is not PickleTuple
            {
                Items:
                [
                    "storage", PickleGlobal { Kind: PickleGlobalKind.StorageClass or PickleGlobalKind.UntypedStorage } type,
                    string { Length: <= StorageTable.MaxKeyLength } key, string location, long count, var part,
                ]
            }
            || StorageReference.IsMeta(location))
        {
            return null;
        }

        var whole = Remember(key, new StorageReference(type, key, count));
        if (part is null) return whole;
        if (part is not PickleTuple { Items: [string { Length: <= StorageTable.MaxKeyLength } partKey, long offset, long partCount] }) return null;
        return Remember(partKey, whole with { View = new StorageView(partKey, offset, partCount) });
    }

    /// <summary>Finds the place of every storage in the list of keys, the first of which starts at <paramref name="position"/>.</summary>
    public void Place(object? keys, long position)
    {
        if (keys is not PickleList list) throw Refuse("has no list of storages behind its pickle");
        for (var run = 0; run < list.RunCount; run++)
        {
            foreach (var item in list.Run(run)) position = PlaceOne(item, position);
        }

        if (position < file.Length)
        {
            throw Refuse($"has {file.Length - position} bytes behind its last storage, which ends at {position}: save into a file of its own what follows");
        }
    }

    /// <summary>A tensor's place in the file, checked against what the pickle says of it.</summary>
    public TensorEntry Locate(string name, TensorValue tensor)
    {
        var reference = tensor.Storage;
        if (!_entries.TryGetValue(reference.Key, out var whole)) throw Refuse($"refers to storage '{reference.Key}', which the file does not list", name);
        if (reference.View is not { } view) return TensorChecks.Check(name, tensor, whole, file.Path);

        if (tensor.DType != reference.DType) throw Refuse($"is {tensor.DType}, but views a part of a storage of {reference.DType}", name);
        if (view.Offset < 0 || view.Count < 0 || view.Count > reference.Count - view.Offset)
        {
            throw Refuse($"views {view.Count} elements from {view.Offset} on of storage '{reference.Key}', which has {reference.Count}", name);
        }

        if (((Int128)view.Offset + view.Count) * reference.ElementBytes > whole.Bytes)
        {
            throw Refuse($"views {view.Count} elements from {view.Offset} on of storage '{reference.Key}', which has {whole.Bytes} bytes", name);
        }

        // Tensors of different parts share the whole storage's memory; what each of them reaches must stay inside its part.
        var part = new StorageEntry(file.Path, whole.Position, tensor.DType.ByteCount(view.Count));
        var inPart = TensorChecks.Check(name, tensor, part, file.Path);
        return inPart with { Storage = whole, StorageOffset = view.Offset + inPart.StorageOffset };
    }

    private static string Describe(StorageReference reference) => $"{reference.Count} elements of {reference.Class.Name}"
        + (reference.View is { } view ? $", {view.Count} of them from {view.Offset} on" : "");

    // The first of its key; but of no elements PyTorch writes several types, and each stays what it is. Of a part without elements it takes the first for all.
    private StorageReference Remember(string key, StorageReference reference)
    {
        file.Ledger.Charge(BytesPerReference);
        file.Ledger.Work(StepsPerReference + key.Length / 4);
        if (_references.TryAdd(key, reference)) return reference;
        var first = _references[key];
        if (first.AgreesWith(reference)) return reference is { Count: 0, View: null } ? reference : first;
        throw Refuse($"refers to storage '{key}' as {Describe(reference)}, but before as {Describe(first)}");
    }

    private long PlaceOne(object? item, long position)
    {
        file.Ledger.Charge(BytesPerReference);
        file.Ledger.Work(StepsPerStorage);
        if (item is not string key || _references.GetValueOrDefault(key) is not { View: null } reference)
        {
            throw Refuse($"lists storage '{PythonText.Print(item)}', which the pickle does not refer to");
        }

        Span<byte> declared = stackalloc byte[CountBytes];
        file.Read(position, declared, "the length of storage ", key);
        var entry = PlaceOne(reference, BinaryPrimitives.ReadInt64LittleEndian(declared), position + CountBytes);
        if (!_entries.TryAdd(key, entry)) throw Refuse($"lists storage '{key}' twice");
        return entry.Position + entry.Bytes;
    }

    private StorageEntry PlaceOne(StorageReference reference, long count, long position)
    {
        if (count < 0 || count != reference.Count) throw Refuse($"has {count} elements in storage '{reference.Key}', but the pickle refers to {Describe(reference)}");
        if (count > (file.Length - position) / reference.ElementBytes)
        {
            throw new CheckpointException(
                CheckpointError.Truncated, file.Path,
                $"is cut short: storage '{reference.Key}' of {Describe(reference)} starts at {position}, but the file ends at {file.Length}");
        }

        return new StorageEntry(file.Path, position, count * reference.ElementBytes);
    }

    private CheckpointException Refuse(string problem, string? tensor = null) => new(CheckpointError.Malformed, file.Path, problem, tensor);
}
