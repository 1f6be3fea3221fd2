using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;
using Loadline.Checkpoints.Zip;

namespace Loadline.Checkpoints.Pth;

/// <summary>Finds the bytes of storages: one <see cref="StorageEntry"/> for each key, however many tensors share it.</summary>
internal sealed class StorageTable(SourceFile file, ZipDirectory zip)
{
    /// <summary>PyTorch's keys are small numbers. Every tensor that refers to a key hashes it.</summary>
    public const int MaxKeyLength = 1000;

    private readonly Dictionary<string, Located> _byKey = new(zip.Count);

    /// <summary>Reads a persistent id: ('storage', class, key, location, count). Anything else becomes a value that no tensor accepts.</summary>
    public static object? Refer(object? id) => id is PickleSequence { IsTuple: true } tuple
        && tuple.Items is ["storage", PickleGlobal { Kind: PickleGlobalKind.StorageClass or PickleGlobalKind.UntypedStorage } type, string { Length: <= MaxKeyLength } key, _, long count]
            ? new StorageReference(type, key, count)
            : null;

    /// <summary>A tensor's place in the file, checked against what the pickle says of it.</summary>
    public TensorEntry Locate(string name, TensorValue tensor) => TensorChecks.Check(name, tensor, Resolve(tensor.Storage, name), file.Path);

    private StorageEntry Resolve(StorageReference reference, string tensor)
    {
        if (_byKey.TryGetValue(reference.Key, out var known))
        {
            if (known.Reference == reference) return known.Entry;
            throw Refuse(tensor, $"refers to storage '{reference.Key}' as {Describe(reference)}, but another tensor as {Describe(known.Reference)}");
        }

        var name = "data/" + reference.Key;
        var record = zip.Find(name) ?? throw Refuse(tensor, $"refers to record '{name}', which the archive does not have");
        var elementBytes = reference.DType!.BytesPerElement;
        if (reference.Count < 0 || reference.Count > long.MaxValue / elementBytes || reference.Count * elementBytes != record.Bytes)
        {
            throw Refuse(tensor, $"refers to record '{name}' as {Describe(reference)}, but the record has {record.Bytes} bytes");
        }

        var entry = zip.Locate(record);
        _byKey.Add(reference.Key, new Located(reference, entry));
        return entry;
    }

    private static string Describe(StorageReference reference) => $"{reference.Count} elements of {reference.Class.Name}";

    private CheckpointException Refuse(string tensor, string problem) => new(CheckpointError.Malformed, file.Path, problem, tensor);

    private sealed record Located(StorageReference Reference, StorageEntry Entry);
}
