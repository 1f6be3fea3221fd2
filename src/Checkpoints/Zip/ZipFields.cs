using System.Buffers.Binary;

namespace Loadline.Checkpoints.Zip;

/// <summary>Little-endian fields, one after the other.</summary>
internal ref struct ZipFields(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;
    private int _count;

    public readonly ReadOnlySpan<byte> Written => _buffer[.._count];

    public void Clear() => _count = 0;

    public void Add16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(2), value);

    public void Add32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);

    public void Add64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(8), value);

    public void Fill(byte value, int count) => Take(count).Fill(value);

    private Span<byte> Take(int count)
    {
        _count += count;
        return _buffer[(_count - count).._count];
    }
}
