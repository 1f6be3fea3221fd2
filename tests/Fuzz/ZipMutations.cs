using System.Buffers.Binary;
using System.IO.Compression;

namespace Loadline.Fuzz;

/// <summary>Damages of PyTorch's archives: single fields of their headers, whole records, and the pickle inside with everything around it sound.</summary>
internal static class ZipMutations
{
    private static readonly (uint Signature, (int Offset, int Bytes)[] Fields)[] Headers =
    [
        (0x04034b50, [(4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)]),
        (0x02014b50, [(6, 2), (8, 2), (10, 2), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (42, 4)]),
        (0x06054b50, [(8, 2), (10, 2), (12, 4), (16, 4), (20, 2)]),
        (0x06064b50, [(4, 8), (24, 8), (32, 8), (40, 8), (48, 8)]),
        (0x07064b50, [(4, 4), (8, 8), (16, 4)]),
    ];

    /// <summary>The first bytes of headers.</summary>
    public static IEnumerable<byte[]> Words => Headers.Select(h => BitConverter.GetBytes(h.Signature));

    public static byte[]? Apply(Random random, byte[] bytes) => random.Next(4) == 0 ? EditField(random, bytes) : Repack(random, bytes);

    private static byte[] EditField(Random random, byte[] bytes)
    {
        List<(int Position, int Bytes)> fields = [];
        for (var i = 0; i + 4 <= bytes.Length; i++)
        {
            var header = Array.Find(Headers, h => h.Signature == BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(i)));
            if (header.Fields is not null) fields.AddRange(header.Fields.Select(f => (i + f.Offset, f.Bytes)));
        }

        if (fields.Count == 0) return bytes;
        var (position, count) = fields[random.Next(fields.Count)];
        if (position + count > bytes.Length) return bytes;
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, Mutations.Number(random));
        number[..count].CopyTo(bytes.AsSpan(position));
        return bytes;
    }

    private static byte[]? Repack(Random random, byte[] bytes)
    {
        if (Unpack(bytes) is not { Count: > 0 } records) return null;
        var pickle = records.FindIndex(r => r.Name.EndsWith("/data.pkl", StringComparison.Ordinal));
        if (pickle >= 0 && random.Next(4) > 0) records[pickle] = (records[pickle].Name, PickleMutations.Apply(random, records[pickle].Bytes));
        else EditRecords(random, records);

        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, contents) in records)
            {
                using var record = zip.CreateEntry(name.Length > 0 ? name : "x", random.Next(16) == 0 ? CompressionLevel.Fastest : CompressionLevel.NoCompression).Open();
                record.Write(contents);
            }
        }

        return stream.ToArray();
    }

    private static void EditRecords(Random random, List<(string Name, byte[] Bytes)> records)
    {
        var i = random.Next(records.Count);
        var (name, bytes) = records[i];
        switch (random.Next(7))
        {
            case 0: records.RemoveAt(i); break;
            case 1: records.Add(records[i]); break;
            case 2: records[i] = (records[random.Next(records.Count)].Name, bytes); break;
            case 3: records[i] = (name, bytes[..random.Next(bytes.Length + 1)]); break;
            case 4: records[i] = (name, new byte[random.Next(1 << random.Next(1, 20))]); break;
            case 5: records[i] = (name[(name.IndexOf('/') + 1)..], bytes); break;
            default: records[i] = (name + "/../x", bytes); break;
        }
    }

    /// <summary>The records of an archive; null where it is none.</summary>
    public static List<(string Name, byte[] Bytes)>? Unpack(byte[] bytes)
    {
        try
        {
            using var zip = new ZipArchive(new MemoryStream(bytes));
            return [.. zip.Entries.Select(e => (e.FullName, ReadAll(e)))];
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException or IOException or ArgumentException)
        {
            // An earlier mutation of the same mutant broke it.
            return null;
        }
    }

    private static byte[] ReadAll(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
