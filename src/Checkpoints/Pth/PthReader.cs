using Loadline.Checkpoints.Files;
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

    public static Checkpoint Read(SourceFile file)
    {
        var zip = ZipDirectory.Read(file);
        RefuseOtherArchives(file, zip);
        CheckByteOrder(file, zip);
        CheckVersion(file, zip);

        var pickle = zip.ReadAll(zip.Find("data.pkl")!, PickleInput.MaxBytes);
        var root = new PickleMachine(new PickleInput(pickle), file.Path, StorageTable.Refer).Run();
        var walk = new StateDictWalk(file.Path, new StorageTable(file, zip).Locate, pickle.Length, expectedTensors: zip.Count);
        walk.Visit(root);
        zip.RefuseOverlaps();
        return new Checkpoint(file.Path, CheckpointFormat.Pth, [file.Path], walk.Entries, walk.Metadata, new FileReads(file));
    }

    private static void RefuseOtherArchives(SourceFile file, ZipDirectory zip)
    {
        if (zip.Contains("constants.pkl"))
        {
            throw file.Refuse(
                CheckpointError.Unsupported,
                "is a TorchScript archive, a program with its weights: save torch.jit.load(FILE).state_dict() with torch.save instead");
        }

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
        if (!int.TryParse(text.AsSpan().TrimEnd((byte)'\n'), out var version) || version < 1)
        {
            throw file.Refuse(CheckpointError.Malformed, "its version record is no number");
        }

        if (version > MaxVersion) throw file.Refuse(CheckpointError.Unsupported, $"has archive version {version}: versions 1 to {MaxVersion} are known");
    }

    private static byte[]? ReadShortRecord(ZipDirectory zip, string name) => zip.Find(name) is { } record ? zip.ReadAll(record, maxBytes: 64) : null;
}
