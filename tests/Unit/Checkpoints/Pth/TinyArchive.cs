using System.IO.Compression;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>Archives of a few records, and what can be done to them.</summary>
internal static class TinyArchive
{
    /// <summary>A pickle and one storage of four floats, <c>data/0</c>.</summary>
    public static byte[] Of(string pickle) => Of(("a/data.pkl", TinyPickle.File(pickle)), ("a/data/0", new byte[16]));

    public static byte[] Of(params ReadOnlySpan<(string Name, byte[] Bytes)> records)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in records)
            {
                using var record = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                record.Write(bytes);
            }
        }

        return stream.ToArray();
    }

    /// <summary>A pickle, and storages that are compressed.</summary>
    public static byte[] Deflated(string pickle, params byte[][] storages)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("a/data.pkl", TinyPickle.File(pickle), CompressionLevel.NoCompression);
            for (var i = 0; i < storages.Length; i++) Add($"a/data/{i}", storages[i], CompressionLevel.Fastest);

            void Add(string name, byte[] bytes, CompressionLevel level)
            {
                using var record = zip.CreateEntry(name, level).Open();
                record.Write(bytes);
            }
        }

        return stream.ToArray();
    }

    /// <summary>An archive whose storage is deflated as given.</summary>
    public static byte[] WithDeflated(byte[] deflated, int bytes, string pickle)
    {
        byte[] directoryRecord = [0x50, 0x4b, 1, 2];
        var archive = Patch(Of(("a/data.pkl", TinyPickle.File(pickle)), ("a/data/0", deflated)), directoryRecord, 10, 8, 0);
        return Patch(archive, directoryRecord, 24, [.. BitConverter.GetBytes(bytes)]);
    }

    /// <summary>Overwrites bytes at an offset from the last place where the archive has <paramref name="signature"/>.</summary>
    public static byte[] Patch(byte[] archive, ReadOnlySpan<byte> signature, int offset, params ReadOnlySpan<byte> bytes)
    {
        var patched = archive.ToArray();
        bytes.CopyTo(patched.AsSpan(patched.AsSpan().LastIndexOf(signature) + offset));
        return patched;
    }
}
