using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pickles;
using Loadline.Checkpoints.Zip;

namespace Loadline.Checkpoints.Pth;

/// <summary>Finds the bytes of storages: one <see cref="StorageEntry"/> for each key, however many tensors share it.</summary>
/// <param name="file">The archive.</param>
/// <param name="zip">Its records.</param>
/// <param name="folder">Where the storages of a pickle are: <c>data/</c>, and <c>constants/</c> for TorchScript's other pickle.</param>
internal sealed class StorageTable(SourceFile file, ZipDirectory zip, string folder)
{
    /// <summary>PyTorch's keys are small numbers. Every tensor that refers to a key hashes it.</summary>
    public const int MaxKeyLength = 1000;

    private readonly Dictionary<string, Found> _byKey = [];

    /// <summary>Reads a persistent id: ('storage', class, key, location, count). Anything else becomes a value that no tensor accepts.</summary>
    public static object? Refer(object? id) =>
        id is PickleTuple
        {
            Items:
            [
                "storage", PickleGlobal { Kind: PickleGlobalKind.StorageClass or PickleGlobalKind.UntypedStorage } type,
                string { Length: <= MaxKeyLength } key, _, long count,
            ]
        }
            ? new StorageReference(type, key, count)
            : null;

    /// <summary>A tensor's place in the file, checked against what the pickle says of it.</summary>
    public TensorEntry Locate(string name, TensorValue tensor) => TensorChecks.Check(name, tensor, Resolve(tensor.Storage, name), file.Path);

    private StorageEntry Resolve(StorageReference reference, string tensor)
    {
        if (!_byKey.TryGetValue(reference.Key, out var found))
        {
            var record = zip.Find(folder + reference.Key)
                ?? throw Refuse(tensor, $"refers to record '{folder}{reference.Key}', which the archive does not have");
            RequireFit(reference, record.Bytes, tensor);
            found = new Found(zip.Locate(record), reference);
            _byKey.Add(reference.Key, found);
        }
        else if (!reference.HasElementsOf(found.First)) throw Refuse(tensor, $"refers to record '{folder}{reference.Key}' as {reference.Class.Name}, but a tensor before it as {found.First.Class.Name}");
        else RequireFit(reference, found.Entry.Bytes, tensor);

        return found.Entry;
    }

    private void RequireFit(StorageReference reference, long bytes, string tensor)
    {
        if (reference.Fits(bytes)) return;
        throw Refuse(tensor, $"refers to record '{folder}{reference.Key}' as {reference.Count} elements of {reference.Class.Name}, but the record has {bytes} bytes");
    }

    private CheckpointException Refuse(string tensor, string problem) => new(CheckpointError.Malformed, file.Path, problem, tensor);

    // A class: the dictionary of a struct would be compiled when a process first loads.
    private sealed record Found(StorageEntry Entry, StorageReference First);
}
