using System.Buffers.Binary;

namespace Loadline.Checkpoints.Deflate;

/// <summary>The bits of a deflated stream, the least significant of each byte first (RFC 1951, 3.1.1), through a window.</summary>
/// <param name="source">The stream.</param>
/// <param name="bytes">How long it is, at most.</param>
internal sealed class BitInput(Stream source, long bytes)
{
    /// <summary>Bits that stand in <see cref="Bits"/> after a refill: a length and a distance with all that belongs to them are 48.</summary>
    public const int LeastBits = 56;

    private const int MostWindowBytes = 32 << 10;

    // Behind the last byte lie zeros, so that eight bytes can be looked at from each. What is decoded of them is refused, in steps of less than this.
    private const int PaddingBytes = 64;

    private int _end;
    private long _before;
    private bool _isLast;

    /// <summary>The bits that come next, the first one lowest.</summary>
    public ulong Bits { get; set; }

    /// <summary>How many of <see cref="Bits"/> were counted as taken from the window; those above are the same as there.</summary>
    public int Count { get; set; }

    /// <summary>Where in <see cref="Window"/> the bits go on.</summary>
    public int Next { get; set; }

    /// <summary>
    /// Bytes that were read, with room for one more than there are, so that their end is found. From <see cref="Next"/> on eight can be looked at as long as it is not beyond
    /// <see cref="LastStart"/>.
    /// </summary>
    public byte[] Window { get; } = new byte[Math.Min(MostWindowBytes, bytes + 1) + PaddingBytes];

    /// <summary>The last place in <see cref="Window"/> from which bits can be refilled before <see cref="Provide"/> has to be called again.</summary>
    public int LastStart => _isLast ? _end + (PaddingBytes / 2) : _end - sizeof(ulong);

    /// <summary>Bytes whose bits were all taken.</summary>
    public long Consumed => _before + Next - (Count >> 3);

    /// <summary>Reads on where the window is nearly empty.</summary>
    /// <exception cref="InvalidDataException">The stream ended, and more than it has was taken of it.</exception>
    public void Provide()
    {
        if (_isLast)
        {
            if (Next - (Count >> 3) > _end) throw new InvalidDataException("ends");
            return;
        }

        if (Next <= LastStart) return;
        // Bytes that stand in Bits may be given back.
        var kept = Math.Min(Next, sizeof(ulong));
        _before += Next - kept;
        Window.AsSpan(Next - kept, _end - Next + kept).CopyTo(Window);
        (Next, _end) = (kept, _end - Next + kept);
        while (_end < Window.Length - PaddingBytes)
        {
            var count = source.Read(Window.AsSpan(_end, Window.Length - PaddingBytes - _end));
            _isLast = count == 0;
            if (_isLast) break;
            _end += count;
        }

        if (_isLast) Window.AsSpan(_end, PaddingBytes).Clear();
    }

    /// <summary>Makes <see cref="LeastBits"/> of the next ones stand in <see cref="Bits"/>.</summary>
    public void Refill()
    {
        Provide();
        Bits |= BinaryPrimitives.ReadUInt64LittleEndian(Window.AsSpan(Next)) << Count;
        Next += (63 - Count) >> 3;
        Count |= LeastBits;
    }

    /// <summary>Takes up to 16 bits as a number.</summary>
    public int Take(int bits)
    {
        if (Count < bits) Refill();
        var value = (int)(Bits & ((1u << bits) - 1));
        Skip(bits);
        return value;
    }

    /// <summary>Lets go of bits that stand in <see cref="Bits"/>.</summary>
    public void Skip(int bits)
    {
        Bits >>= bits;
        Count -= bits;
    }

    /// <summary>Goes on with whole bytes: what is left of one that was begun is skipped, what was refilled beyond it is given back.</summary>
    public void Align()
    {
        Next -= Count >> 3;
        (Bits, Count) = (0, 0);
    }

    /// <summary>Copies bytes; after <see cref="Align"/> only.</summary>
    /// <returns>How many: as many as are in the window, one at least.</returns>
    /// <exception cref="InvalidDataException">The stream ended.</exception>
    public int Copy(Span<byte> destination)
    {
        Provide();
        var count = Math.Min(destination.Length, _end - Next);
        if (count <= 0) throw new InvalidDataException("ends");
        Window.AsSpan(Next, count).CopyTo(destination);
        Next += count;
        return count;
    }
}
