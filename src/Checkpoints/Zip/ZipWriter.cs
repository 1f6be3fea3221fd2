using System.Buffers.Binary;
using System.Text;
using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Zip;

/// <summary>
/// Writes stored records whose lengths are known beforehand, each payload at a multiple of 64 bytes, as PyTorch does. Only the checksum is put into a
/// record's header afterwards.
/// </summary>
internal sealed class ZipWriter(OutputFile output)
{
    /// <summary>PyTorch's kFieldAlignment: what mapped tensors need for vector loads.</summary>
    public const int Alignment = 64;

    // 1980-01-01: fixed, so that the same tensors give the same file.
    private const uint Timestamp = 0x0021_0000;
    private const int ChecksumOffset = 14;

    private readonly List<Written> _written = [];
    private byte[] _name = [];
    private long _header;
    private long _bytes;
    private uint _checksum;

    /// <summary>A checksum of all records' checksums in order, which names the contents.</summary>
    public uint ContentsChecksum { get; private set; }

    /// <summary>Writes a small record at once.</summary>
    public void Write(string name, ReadOnlySpan<byte> bytes)
    {
        Begin(name, bytes.Length);
        Append(bytes);
        End();
    }

    public void Begin(string name, long bytes)
    {
        (_name, _header, _bytes, _checksum) = (Encoding.UTF8.GetBytes(name), output.Position, bytes, 0);
        var wide = bytes >= ZipFormat.Saturated32;
        var wideBytes = wide ? 20 : 0;
        var unpadded = _header + ZipFormat.LocalHeaderBytes + _name.Length + wideBytes + 4;
        var padding = (int)(-unpadded & (Alignment - 1));

        var fields = new ZipFields(stackalloc byte[ZipFormat.LocalHeaderBytes + 20 + 4 + Alignment]);
        fields.Add32(ZipFormat.LocalHeader);
        AddCommon(ref fields, wide, narrowBytes: wide ? ZipFormat.Saturated32 : (uint)bytes, checksum: 0);
        fields.Add16((ushort)_name.Length);
        fields.Add16((ushort)(wideBytes + 4 + padding));
        output.Write(fields.Written);
        output.Write(_name);

        fields.Clear();
        if (wide)
        {
            fields.Add16(ZipFormat.Zip64Extra);
            fields.Add16(16);
            fields.Add64(bytes);
            fields.Add64(bytes);
        }

        fields.Add16(ZipFormat.PaddingExtra);
        fields.Add16((ushort)padding);
        fields.Fill((byte)'Z', padding);
        output.Write(fields.Written);
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _checksum = Crc32.Append(_checksum, bytes);
        output.Write(bytes);
    }

    public void AppendHole(long bytes)
    {
        _checksum = Crc32.AppendZeros(_checksum, bytes);
        output.Skip(bytes);
    }

    public void End()
    {
        Span<byte> checksum = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(checksum, _checksum);
        output.Patch(_header + ChecksumOffset, checksum);
        ContentsChecksum = Crc32.Append(ContentsChecksum, checksum);
        _written.Add(new Written(_name, _checksum, _bytes, _header));
    }

    /// <summary>Writes the directory.</summary>
    public void Complete()
    {
        var start = output.Position;
        foreach (var record in _written) WriteDirectoryRecord(record);
        WriteEnd(start, output.Position - start);
    }

    private void WriteDirectoryRecord(Written record)
    {
        var wide = record.Bytes >= ZipFormat.Saturated32;
        var far = record.Header >= ZipFormat.Saturated32;
        var wideBytes = (wide ? 16 : 0) + (far ? 8 : 0);
        var fields = new ZipFields(stackalloc byte[ZipFormat.CentralHeaderBytes + 4 + 24]);
        fields.Add32(ZipFormat.CentralHeader);
        fields.Add16(VersionNeeded(wide || far));
        AddCommon(ref fields, wide || far, wide ? ZipFormat.Saturated32 : (uint)record.Bytes, record.Checksum);
        fields.Add16((ushort)record.Name.Length);
        fields.Add16((ushort)(wideBytes == 0 ? 0 : 4 + wideBytes));
        fields.Fill(0, 10);
        fields.Add32(far ? ZipFormat.Saturated32 : (uint)record.Header);
        output.Write(fields.Written);
        output.Write(record.Name);
        if (wideBytes == 0) return;

        fields.Clear();
        fields.Add16(ZipFormat.Zip64Extra);
        fields.Add16((ushort)wideBytes);
        if (wide)
        {
            fields.Add64(record.Bytes);
            fields.Add64(record.Bytes);
        }

        if (far) fields.Add64(record.Header);
        output.Write(fields.Written);
    }

    private void WriteEnd(long start, long bytes)
    {
        var wide = start >= ZipFormat.Saturated32 || bytes >= ZipFormat.Saturated32 || _written.Count >= ZipFormat.Saturated16;
        var end64 = output.Position;
        var fields = new ZipFields(stackalloc byte[ZipFormat.End64Bytes + ZipFormat.End64LocatorBytes + ZipFormat.EndBytes]);
        if (wide)
        {
            fields.Add32(ZipFormat.End64);
            fields.Add64(ZipFormat.End64Bytes - 12);
            fields.Add16(VersionNeeded(wide: true));
            fields.Add16(VersionNeeded(wide: true));
            fields.Fill(0, 8);
            fields.Add64(_written.Count);
            fields.Add64(_written.Count);
            fields.Add64(bytes);
            fields.Add64(start);
            fields.Add32(ZipFormat.End64Locator);
            fields.Fill(0, 4);
            fields.Add64(end64);
            fields.Add32(1);
        }

        fields.Add32(ZipFormat.End);
        fields.Fill(0, 4);
        fields.Add16(wide ? ZipFormat.Saturated16 : (ushort)_written.Count);
        fields.Add16(wide ? ZipFormat.Saturated16 : (ushort)_written.Count);
        fields.Add32(wide ? ZipFormat.Saturated32 : (uint)bytes);
        fields.Add32(wide ? ZipFormat.Saturated32 : (uint)start);
        fields.Fill(0, 2);
        output.Write(fields.Written);
    }

    /// <summary>The fields that a record's own header and its directory record have in common.</summary>
    private static void AddCommon(ref ZipFields fields, bool wide, uint narrowBytes, uint checksum)
    {
        fields.Add16(VersionNeeded(wide));
        fields.Add16(ZipFormat.Utf8Flag);
        fields.Add16(ZipFormat.Stored);
        fields.Add32(Timestamp);
        fields.Add32(checksum);
        fields.Add32(narrowBytes);
        fields.Add32(narrowBytes);
    }

    private static ushort VersionNeeded(bool wide) => (ushort)(wide ? 45 : 20);

    private readonly record struct Written(byte[] Name, uint Checksum, long Bytes, long Header);
}
