using System.Globalization;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Zip;

namespace Loadline.Checkpoints.Pth;

/// <summary>One archive being written, with the records that PyTorch 2.6 and later put in: the pickle, a note of the format, storages, the version.</summary>
internal sealed class PthArchive
{
    // The name that torch.save takes when it writes to a buffer; readers accept any.
    private const string Folder = "archive/";

    private readonly OutputFile _output;
    private readonly ZipWriter _zip;

    public PthArchive(OutputFile output, byte[] pickle)
    {
        (_output, _zip) = (output, new ZipWriter(output));
        _zip.Write(Folder + "data.pkl", pickle);
        _zip.Write(Folder + ".format_version", "1"u8);
        _zip.Write(Folder + ".storage_alignment", "64"u8);
        _zip.Write(Folder + "byteorder", "little"u8);
    }

    public void Begin(int storageKey, long bytes) => _zip.Begin(string.Create(CultureInfo.InvariantCulture, $"{Folder}data/{storageKey}"), bytes);

    public void Append(ReadOnlySpan<byte> bytes) => _zip.Append(bytes);

    public void AppendHole(long bytes) => _zip.AppendHole(bytes);

    public void End() => _zip.End();

    /// <summary>Writes what comes after the storages and puts the file on the disk.</summary>
    public void Complete()
    {
        _zip.Write(Folder + "version", "3\n"u8);
        // Forty digits that name the contents, as PyTorch writes for its logs; the same tensors give the same digits.
        var id = string.Create(CultureInfo.InvariantCulture, $"{_output.Position:D20}{_zip.ContentsChecksum:D20}");
        _zip.Write(Folder + ".data/serialization_id", System.Text.Encoding.ASCII.GetBytes(id));
        _zip.Complete();
        _output.Complete();
    }
}
