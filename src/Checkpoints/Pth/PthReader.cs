using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Index;
using Loadline.Checkpoints.Pickles;
using Loadline.Checkpoints.Zip;

namespace Loadline.Checkpoints.Pth;

/// <summary>
/// Reads what <c>torch.save</c> writes since PyTorch 1.6: an archive with one pickle, <c>data.pkl</c>, and one record for each storage, <c>data/KEY</c>.
/// Source: torch/serialization.py and caffe2/serialize/inline_container.cc of PyTorch 2.6.
/// </summary>
internal static class PthReader
{
    // kMaxSupportedFileFormatVersion of caffe2/serialize/versions.h.
    private const int MaxVersion = 10;

    // Whatever is larger is as unknown.
    private const int MostVersion = 1_000_000;

    private const string PolicyRecord = "policy.pth";

    public static CheckpointIndex Read(SourceFile file)
    {
        var zip = ZipDirectory.Read(file);
        var contents = zip.Find(PolicyRecord) is { } policy && !zip.Contains("data.pkl") ? ReadPolicy(file, zip, policy) : ReadContents(file, zip);
        return new CheckpointIndex(file.Path, CheckpointFormat.Pth, [file.Path], contents.Entries, contents.Metadata, new FileReads(file), contents.Unloadable)
        {
            Notes = contents.Notes,
        };
    }

    /// <summary>What an archive holds that lies inside a larger file.</summary>
    public static PthContents ReadContents(SourceFile file) => ReadContents(file, ZipDirectory.Read(file));

    /// <summary>
    /// The value of an archive's pickle as it is, and what finds the bytes of the tensors in it. Once they are found, the directory can tell whether some overlap.
    /// </summary>
    public static (object? Root, Func<string, TensorValue, TensorEntry> Locate, ZipDirectory Zip) ReadRoot(SourceFile file)
    {
        var zip = ZipDirectory.Read(file);
        Check(file, zip);
        var context = new PickleContext(file.Path, file.Ledger);
        var storages = new StorageTable(file, zip, "data/");
        var root = ReadPickle(file, zip, "data.pkl", context, storages);
        context.RefuseHostile();
        return (root, storages.Locate, zip);
    }

    // Stable-Baselines3 packs the policy's state_dict, the optimizer's and a description into one archive.
    private static PthContents ReadPolicy(SourceFile file, ZipDirectory zip, ZipRecord record)
    {
        var place = zip.Locate(record);
        if (!place.IsMappable) throw file.Refuse(CheckpointError.Unsupported, $"is an archive of Stable-Baselines3 whose {PolicyRecord} is compressed: unpack it and open that file");
        using var policy = file.Slice(place.Position, place.Bytes);
        return ReadContents(policy).ShiftedBy(place.Position);
    }

    private static PthContents ReadContents(SourceFile file, ZipDirectory zip)
    {
        Check(file, zip);
        // By this record torch.load itself tells them apart.
        var isOfTorchScript = zip.Contains("constants.pkl");
        var context = new PickleContext(file.Path, file.Ledger) { IsOfTorchScript = isOfTorchScript };
        var (storages, constantStorages) = (new StorageTable(file, zip, "data/"), new StorageTable(file, zip, "constants/"));
        var root = ReadPickle(file, zip, "data.pkl", context, storages);
        // TorchScript keeps apart what its code refers to by number; a frozen module has all its weights there.
        var constants = isOfTorchScript ? ReadPickle(file, zip, "constants.pkl", context, constantStorages) : null;
        context.RefuseHostile();
        if (isOfTorchScript && root is not OpaqueValue)
            throw file.Refuse(CheckpointError.Malformed, "is an archive of TorchScript, and what it holds is no object of a class, as libtorch asks for: save its state_dict() instead");
        var walk = new StateDictWalk(file.Path, file.Ledger, expectedTensors: Math.Min(zip.Count, 1 << 16));
        if (isOfTorchScript) (walk.HasCode, walk.MadeByCode) = (true, ReadCode(file, zip, context)?.ClassesWithState);
        walk.Visit(root, storages.Locate);
        if (constants is PickleContainer { Count: > 0 }) walk.Visit(constants, constantStorages.Locate, "constants");
        zip.RefuseOverlaps();
        return new PthContents(walk.Entries, walk.Metadata, walk.Unloadable, Notes(walk, storages))
        {
            IsEmpty = root is PickleDictionary { Count: 0 } or PickleList { Count: 0 },
        };
    }

    private static ScriptedCode? ReadCode(SourceFile file, ZipDirectory zip, PickleContext context)
    {
        var code = ScriptedCode.Read(file, zip);
        if (code?.Enumerations.ProblemOf(context.ScriptedUses) is { } problem)
            throw file.Refuse(CheckpointError.Malformed, $"is an archive of TorchScript that {problem}: libtorch would read another pickle");
        return code;
    }

    // Without LINQ, which opening a checkpoint needs for nothing else.
    private static List<string> Notes(StateDictWalk walk, StorageTable storages)
    {
        var notes = new List<string>();
        if (walk.Unloadable.Count == 0 && storages.Unused is > 0 and var unused) notes.Add(Unlisted(unused));
        foreach (var entry in walk.Entries)
        {
            if (entry.Storage.CompressedBytes is null) continue;
            notes.Add("has weights that are compressed: torch.load(mmap=True), by which Transformers loads shards, takes the compressed bytes for them");
            break;
        }

        return notes;
    }

    private static string Unlisted(int storages) =>
        $"{storages} storage{(storages == 1 ? "" : "s")} that the pickle refers to hold{(storages == 1 ? "s" : "")} no tensor that is listed: of attributes that no state_dict has, of a set, or of a quantized module";

    private static object? ReadPickle(SourceFile file, ZipDirectory zip, string name, PickleContext context, StorageTable storages)
    {
        using var input = new PickleInput(file, zip.LocatePickle(zip.Find(name)!), context.Ledger);
        return new PickleMachine(input, context, storages.Refer).Run();
    }

    private static void Check(SourceFile file, ZipDirectory zip)
    {
        RefuseOtherArchives(file, zip);
        CheckByteOrder(file, zip);
        CheckVersion(file, zip);
    }

    private static void RefuseOtherArchives(SourceFile file, ZipDirectory zip)
    {
        if (zip.Contains("model.json"))
        {
            throw file.Refuse(
                CheckpointError.Unsupported, "is a TorchScript archive of PyTorch before 1.4: load it with PyTorch and save its state_dict() instead");
        }

        if (zip.Contains("model.weights.h5")) throw file.Refuse(CheckpointError.Unsupported, "is a Keras model: load it with Keras and save its weights as safetensors");
        if (!zip.Contains("data.pkl")) throw file.Refuse(CheckpointError.UnknownFormat, "is a zip archive, but not PyTorch's: it has no data.pkl in its top folder");
    }

    private static void CheckByteOrder(SourceFile file, ZipDirectory zip)
    {
        if (ReadShortRecord(zip, "byteorder") is not { } order || order.AsSpan().SequenceEqual("little"u8)) return;
        throw order.AsSpan().SequenceEqual("big"u8)
            ? file.Refuse(CheckpointError.Unsupported, "holds big-endian tensors (byteorder big): load and save it with PyTorch on a little-endian machine")
            : file.Refuse(CheckpointError.Malformed, "its byteorder record says neither little nor big");
    }

    private static void CheckVersion(SourceFile file, ZipDirectory zip)
    {
        if (ReadShortRecord(zip, "version") is not { } text) return;
        // By hand: the framework's parser would first ask for the culture, which takes a millisecond.
        var (version, digits) = (0, 0);
        for (; digits < text.Length && text[digits] is >= (byte)'0' and <= (byte)'9'; digits++) version = Math.Min(10 * version + (text[digits] - '0'), MostVersion);
        // PyTorch ends the line.
        var end = digits;
        while (end < text.Length && text[end] is ((byte)' ' or (byte)'\r' or (byte)'\n')) end++;
        if (version < 1 || end < text.Length)
        {
            throw file.Refuse(CheckpointError.Malformed, "its version record is no number");
        }

        if (version > MaxVersion) throw file.Refuse(CheckpointError.Unsupported, $"has archive version {version}: versions 1 to {MaxVersion} are known");
    }

    private static byte[]? ReadShortRecord(ZipDirectory zip, string name) => zip.Find(name) is { } record ? zip.ReadAll(record, maxBytes: 64) : null;
}
