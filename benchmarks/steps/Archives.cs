using System.IO.Compression;

namespace Loadline.Benchmarks.Steps;

/// <summary>Zip archives of records that are stored.</summary>
internal static class Archives
{
    public static byte[] Of(Opcodes pickle) => Of([("a/data.pkl", pickle.ToArray())]);

    public static byte[] Of(IEnumerable<(string Name, byte[] Bytes)> records, CompressionLevel level = CompressionLevel.NoCompression)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in records)
            {
                using var record = zip.CreateEntry(name, level).Open();
                record.Write(bytes);
            }
        }

        return stream.ToArray();
    }
}
