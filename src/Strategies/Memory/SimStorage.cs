using Loadline.Strategies.Engines;

namespace Loadline.Strategies.Memory;

/// <summary>
/// Memory of a simulated accelerator: it takes its bytes from the device's capacity, and of what is written keeps one checksum per 1 MiB block
/// of the tensor. So a machine without an accelerator shows an accelerator's behaviour under a cap, and can still tell right weights from wrong.
/// </summary>
internal sealed class SimStorage : Storage
{
    private readonly NativeEngine _engine;
    private readonly ulong[] _sums;
    private long _writtenBytes;

    public SimStorage(NativeEngine engine, Device device, long bytes)
        : base(device, bytes)
    {
        if (!engine.Accelerator.TryAdd(bytes, device.CapacityBytes, out var freeBytes)) throw new DeviceOutOfMemoryException(device, bytes, freeBytes);
        _engine = engine;
        _sums = new ulong[(bytes + BlockChecksum.BlockBytes - 1) / BlockChecksum.BlockBytes];
    }

    /// <summary>Whether every byte was written.</summary>
    public bool IsComplete => _writtenBytes == Bytes;

    /// <summary>One checksum per block.</summary>
    public ReadOnlySpan<ulong> Checksums => _sums;

    /// <inheritdoc/>
    /// <remarks>Pieces start at a multiple of 8 bytes, as the checksum works on words.</remarks>
    public override void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (offset % 8 != 0) throw new ArgumentException($"a piece starts at byte {offset}, not at a multiple of 8", nameof(offset));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(source.Length, Bytes - offset);
        Interlocked.Add(ref _writtenBytes, source.Length);
        while (!source.IsEmpty)
        {
            var room = BlockChecksum.BlockBytes - (int)(offset % BlockChecksum.BlockBytes);
            var piece = source[..Math.Min(room, source.Length)];
            Interlocked.Add(ref _sums[offset / BlockChecksum.BlockBytes], BlockChecksum.Sum(offset, piece));
            source = source[piece.Length..];
            offset += piece.Length;
        }
    }

    public override void CopyFrom(Storage source)
    {
        var other = (SimStorage)source;
        if (other.Bytes != Bytes) throw new ArgumentException($"storages differ in length: {other.Bytes} bytes into {Bytes}", nameof(source));
        other._sums.CopyTo(_sums, 0);
        _writtenBytes = other._writtenBytes;
    }

    protected override void Free()
    {
        _engine.Observer.BeforeRelease();
        _engine.Accelerator.Subtract(Bytes);
    }
}
