using System.IO.Compression;

namespace Loadline.Fuzz.Coverage;

/// <summary>An input is the <c>data.pkl</c> of an archive that is sound otherwise, with storages of 16 KiB that it may use.</summary>
internal sealed class PickleTarget : CoverageTarget
{
    private const int Storages = 8;
    private const int StorageBytes = 16 << 10;

    public override string Name => "pickle";

    public override IReadOnlyList<byte[]> Words => CoverageWords.Pickle;

    public override string Write(byte[] input, string scratch)
    {
        var path = Path.Combine(scratch, "input.pth");
        using var stream = File.Create(path);
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create);
        Add(zip, "data.pkl", input);
        var storage = new byte[StorageBytes];
        for (var i = 0; i < Storages; i++)
        {
            Array.Fill(storage, (byte)(i + 1));
            Add(zip, $"data/{i}", storage);
        }

        return path;
    }

    protected override byte[]? SeedOf(string file, byte[] contents) =>
        ZipMutations.Unpack(contents)?.Find(r => r.Name.EndsWith("/data.pkl", StringComparison.Ordinal)).Bytes;

    private static void Add(ZipArchive zip, string name, byte[] contents)
    {
        using var record = zip.CreateEntry("archive/" + name, CompressionLevel.NoCompression).Open();
        record.Write(contents);
    }
}
