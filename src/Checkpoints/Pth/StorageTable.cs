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

    // A reference, and its place in a dictionary that grows.
    private const int BytesPerReference = 150;

    // What a pickle says of it is taken apart, and looked up.
    private const int StepsPerReference = 10;

    // A system call, where a record's header is read by itself, and what the table keeps.
    private const int StepsPerRecord = 200;

    private readonly Dictionary<string, Found> _byKey = [];

    /// <summary>How many storages the pickle refers to of which no tensor was located.</summary>
    public int Unused { get; private set; }

    /// <summary>Reads a persistent id: ('storage', class, key, location, count). Anything else becomes a value that no tensor accepts.</summary>
    public static StorageReference? Read(object? id) =>
        id is PickleTuple
        {
            Items:
            [
                "storage", PickleGlobal { Kind: PickleGlobalKind.StorageClass or PickleGlobalKind.UntypedStorage } type,
                string { Length: <= MaxKeyLength } key, string location, long count,
            ]
        }
        // PyTorch looks for the record by a C string, which ends there.
        && !StorageReference.IsMeta(location) && !key.Contains('\0')
            ? new StorageReference(type, key, count)
            : null;

    /// <summary>The same, held against those before it.</summary>
    /// <exception cref="CheckpointException">One has the same key and other elements: PyTorch would take the first for both, whatever uses it.</exception>
    public object? Refer(object? id)
    {
        if (Read(id) is not { } reference) return null;
        file.Ledger.Work(StepsPerReference + reference.Key.Length / 8);
        if (!_byKey.TryGetValue(reference.Key, out var found))
        {
            file.Ledger.Charge(BytesPerReference);
            _byKey.Add(reference.Key, new Found(reference));
            Unused++;
        }
        else if (!reference.AgreesWith(found.First))
        {
            throw file.Refuse(CheckpointError.Malformed, $"refers to record '{folder}{reference.Key}' as {Describe(reference)}, but before as {Describe(found.First)}");
        }

        // Of no elements PyTorch writes several types, and each stays what it is: load_tensor keeps no storage without contents (but where it maps the file).
        return reference.Count == 0 || found is null ? reference : found.First;
    }

    /// <summary>A tensor's place in the file, checked against what the pickle says of it.</summary>
    public TensorEntry Locate(string name, TensorValue tensor) => TensorChecks.Check(name, tensor, Resolve(tensor.Storage, name), file.Path);

    private StorageEntry Resolve(StorageReference reference, string tensor)
    {
        var found = _byKey[reference.Key];
        if (found.Entry is { } entry) return entry;
        var record = zip.Find(folder + reference.Key) ?? throw Refuse(tensor, $"refers to record '{folder}{reference.Key}', which the archive does not have");
        file.Ledger.Work(StepsPerRecord);
        RequireFit(reference, record.Bytes, tensor);
        Unused--;
        return found.Entry = zip.Locate(record);
    }

    private static string Describe(StorageReference reference) => $"{reference.Count} elements of {reference.Class.Name}";

    private void RequireFit(StorageReference reference, long bytes, string tensor)
    {
        if (reference.Fits(bytes)) return;
        throw Refuse(tensor, $"refers to record '{folder}{reference.Key}' as {reference.Count} elements of {reference.Class.Name}, but the record has {bytes} bytes");
    }

    private CheckpointException Refuse(string tensor, string problem) => new(CheckpointError.Malformed, file.Path, problem, tensor);

    // A class: the dictionary of a struct would be compiled when a process first loads.
    private sealed class Found(StorageReference first)
    {
        public StorageReference First => first;

        public StorageEntry? Entry { get; set; }
    }
}
