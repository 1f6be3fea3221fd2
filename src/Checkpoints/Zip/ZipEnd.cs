using System.Buffers.Binary;
using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Zip;

/// <summary>What the records at an archive's end say about its directory, checked against the file.</summary>
/// <param name="DirectoryPosition">Where the directory starts.</param>
/// <param name="DirectoryBytes">Its length.</param>
/// <param name="RecordCount">How many records it lists.</param>
internal readonly record struct ZipEnd(long DirectoryPosition, int DirectoryBytes, int RecordCount)
{
    private const int MaxCommentBytes = ushort.MaxValue;
    private const int UsualTailBytes = 4096;

    // A ZIP64 end record's length counts from behind itself.
    private const int SizedFrom = 12;

    // Honest archives take about 60 bytes a record: this is room for a million tensors.
    private const int MaxDirectoryBytes = 100_000_000;

    public static ZipEnd Find(SourceFile file)
    {
        // PyTorch writes no comment, so that the end record is nearly always in the last page.
        var end = FindWithin(file, UsualTailBytes) ?? FindWithin(file, ZipFormat.EndBytes + MaxCommentBytes) ?? throw file.Refuse(
            CheckpointError.Truncated, $"has no zip directory at its end: expected one within {file.Length} bytes, so the file was cut short");
        Span<byte> record = stackalloc byte[ZipFormat.EndBytes];
        file.Read(end, record, "the zip end record");

        long count = BinaryPrimitives.ReadUInt16LittleEndian(record[10..]);
        long bytes = BinaryPrimitives.ReadUInt32LittleEndian(record[12..]);
        long position = BinaryPrimitives.ReadUInt32LittleEndian(record[16..]);
        ReadEnd64(file, ref end, ref count, ref bytes, ref position);
        if (position < 0 || bytes < 0 || position > end || bytes > end - position)
        {
            throw file.Refuse(CheckpointError.Malformed, $"the zip directory of {bytes} bytes at {position} reaches beyond its end record at {end}");
        }

        // Python's zipfile takes the directory to lie right before its end, and PyTorch's reader where the record says: one archive to both.
        if (position + bytes != end) throw file.Refuse(CheckpointError.Malformed, $"the zip directory of {bytes} bytes at {position} does not end where its end record is, at {end}");
        if (bytes > MaxDirectoryBytes)
        {
            throw file.Refuse(CheckpointError.LimitExceeded, $"the zip directory has {bytes} bytes, more than the limit of {MaxDirectoryBytes}");
        }

        if (count < 0 || count > bytes / ZipFormat.CentralHeaderBytes)
        {
            throw file.Refuse(CheckpointError.Malformed, $"the zip directory declares {count} records, more than its {bytes} bytes can hold");
        }

        return new ZipEnd(position, (int)bytes, (int)count);
    }

    private static long? FindWithin(SourceFile file, int tailBytes)
    {
        var length = (int)Math.Min(file.Length, tailBytes);
        var tail = length <= UsualTailBytes ? stackalloc byte[length] : new byte[length];
        file.Read(file.Length - tail.Length, tail, "the zip end record");
        for (var i = tail.Length - ZipFormat.EndBytes; i >= 0; i--)
        {
            var record = tail[i..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(record) != ZipFormat.End) continue;
            // The last one counts, as for PyTorch and Python's zipfile. Its comment has to reach the end of the file exactly: what looks like a record inside of a
            // comment, or bytes put behind it, would be another archive to another reader.
            return BinaryPrimitives.ReadUInt16LittleEndian(record[20..]) == record.Length - ZipFormat.EndBytes ? file.Length - tail.Length + i : null;
        }

        return null;
    }

    private static void ReadEnd64(SourceFile file, ref long end, ref long count, ref long bytes, ref long position)
    {
        var locatorPosition = end - ZipFormat.End64LocatorBytes;
        if (locatorPosition < 0) return;
        Span<byte> locator = stackalloc byte[ZipFormat.End64LocatorBytes];
        file.Read(locatorPosition, locator, "the ZIP64 locator");
        // Where there is one, its numbers count, for PyTorch's reader whatever the narrow ones are; without it these mean themselves, 65535 records too.
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != ZipFormat.End64Locator) return;

        Span<byte> record = stackalloc byte[ZipFormat.End64Bytes];
        end = BinaryPrimitives.ReadInt64LittleEndian(locator[8..]);
        file.Read(end, record, "the ZIP64 end record");
        if (BinaryPrimitives.ReadUInt32LittleEndian(record) != ZipFormat.End64)
        {
            throw file.Refuse(CheckpointError.Malformed, $"there is no ZIP64 end record at {end}, where the locator says it is");
        }

        // Python's zipfile takes the record that lies before the locator, whatever this one says.
        if (end + SizedFrom + BinaryPrimitives.ReadInt64LittleEndian(record[4..]) != locatorPosition)
            throw file.Refuse(CheckpointError.Malformed, $"the ZIP64 end record at {end} does not end at {locatorPosition}, where its locator is");
        count = Wide(file, count, ZipFormat.Saturated16, BinaryPrimitives.ReadInt64LittleEndian(record[32..]));
        bytes = Wide(file, bytes, ZipFormat.Saturated32, BinaryPrimitives.ReadInt64LittleEndian(record[40..]));
        position = Wide(file, position, ZipFormat.Saturated32, BinaryPrimitives.ReadInt64LittleEndian(record[48..]));
    }

    private static long Wide(SourceFile file, long narrow, long saturated, long wide) => narrow == saturated || narrow == wide
        ? wide
        : throw file.Refuse(CheckpointError.Malformed, $"the zip end record says {narrow}, and its ZIP64 record {wide}");
}
