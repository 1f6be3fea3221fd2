using System.Buffers.Binary;

namespace Loadline.Checkpoints.Deflate;

/// <summary>
/// Inflates a deflated stream (RFC 1951). The platform's own decoder does the same, but tells nobody what it is busy with: of blocks that hold hardly more than the tables of
/// their codes a byte takes it ten times as long as one of weights, and no length in the file shows it. This one counts blocks.
/// </summary>
/// <param name="source">The deflated bytes, up to their end.</param>
/// <param name="compressedBytes">How many there are.</param>
/// <param name="bytes">How many are to come of them.</param>
/// <param name="allowance">For blocks beyond what these bytes justify.</param>
internal sealed class Inflater(Stream source, long compressedBytes, long bytes, BlockAllowance allowance)
{
    private const int Reach = 32 << 10;
    private const int LongestMatch = 258;
    private const int WithTables = 2;
    private const int FirstLength = 257;

    // zlib begins a block after 16,383 symbols at the latest, each of one bit at least and of one byte at least that comes of it; where it is to save memory (memLevel
    // 4), after 1,023; and where a writer empties its buffers. What begins more is read by the allowance. One is free: a checkpoint may have 65,536 streams.
    private const int BytesPerBlock = 1 << 10;
    private const int InflatedBytesPerBlock = 16 << 10;
    private const int FreeBlocks = 1;

    /// <summary>Three codes, and what comes before the first.</summary>
    public const long LeastBytesOfBlock = 11;

    // What they take.
    private const long NanosecondsPerBlock = 10_000;

    private readonly BitInput _input = new(source, compressedBytes);
    private readonly BlockCodes _ownCodes = new();
    // What matches can reach back to, and as much again; less where less comes.
    private readonly byte[] _window = new byte[Math.Min(2 * Reach, bytes + LongestMatch + 1)];
    private BlockCodes _codes = BlockCodes.Fixed;
    private Stage _stage;
    private bool _isLastBlock;
    private int _stored;
    private int _made;
    private int _given;
    private long _before;
    private long _blocks;
    private long _excess;

    private enum Stage
    {
        Header,
        Stored,
        Coded,
        Ended,
    }

    private Stage Next => _isLastBlock ? Stage.Ended : Stage.Header;

    private static ReadOnlySpan<ushort> Lengths =>
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    private static ReadOnlySpan<byte> LengthBits => [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    private static ReadOnlySpan<ushort> Distances =>
        [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];

    private static ReadOnlySpan<byte> DistanceBits => [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

    /// <summary>What blocks that come without bytes to justify them may take from the start of a stream, in nanoseconds, however short it is.</summary>
    public static long FreeNanoseconds(long compressedBytes) => NanosecondsPerBlock * Math.Min(FreeBlocks, compressedBytes / LeastBytesOfBlock);

    /// <summary>Inflates on.</summary>
    /// <returns>How many bytes came of it; 0 at the end only, of the stream or of <paramref name="destination"/>.</returns>
    /// <exception cref="InvalidDataException">It is damaged, cut, or hardly more than the heads of blocks; the message says which, without a subject.</exception>
    public int Read(Span<byte> destination)
    {
        while (_given == _made && _stage != Stage.Ended) Advance();
        var count = Math.Min(destination.Length, _made - _given);
        _window.AsSpan(_given, count).CopyTo(destination);
        _given += count;
        return count;
    }

    // All that was made was given: of it, what matches can reach back to stays.
    private void Advance()
    {
        if (_made > _window.Length - LongestMatch)
        {
            // (A window that is smaller has room for all that comes.)
            _window.AsSpan(_made - Reach, Reach).CopyTo(_window);
            _before += _made - Reach;
            _made = _given = Reach;
        }

        switch (_stage)
        {
            case Stage.Header: BeginBlock(); break;
            case Stage.Stored: CopyStored(); break;
            default: Decode(); break;
        }

        if (_before + _made > bytes) throw new InvalidDataException("goes on");
        // Bits behind the end of the source are zeros, and what they mean is nothing.
        _input.Provide();
    }

    private void BeginBlock()
    {
        _isLastBlock = _input.Take(1) == 1;
        var kind = _input.Take(2);
        Count(kind == WithTables ? BlockAllowance.PerBlock : 1);
        switch (kind)
        {
            case 0:
                _input.Align();
                _stored = _input.Take(16);
                if (_input.Take(16) != (~_stored & ushort.MaxValue)) throw new InvalidDataException("has a stored block with two lengths");
                _input.Align();
                _stage = Stage.Stored;
                break;
            case 1:
                _codes = BlockCodes.Fixed;
                _stage = Stage.Coded;
                break;
            case WithTables:
                _ownCodes.Read(_input);
                _codes = _ownCodes;
                _stage = Stage.Coded;
                break;
            default:
                throw new InvalidDataException("has a block of no kind");
        }
    }

    private void Count(int parts)
    {
        _blocks += parts;
        const int PerBlock = BlockAllowance.PerBlock;
        var excess = _blocks - (PerBlock * FreeBlocks) - (PerBlock * _input.Consumed / BytesPerBlock) - (PerBlock * (_before + _made) / InflatedBytesPerBlock);
        if (excess <= _excess) return;
        allowance.Take(excess - _excess);
        _excess = excess;
    }

    private void CopyStored()
    {
        if (_stored > 0)
        {
            var count = _input.Copy(_window.AsSpan(_made, Math.Min(_stored, _window.Length - _made)));
            _made += count;
            _stored -= count;
        }

        if (_stored == 0) _stage = Next;
    }

    // The state is held in locals, and written back once for many symbols.
    private void Decode()
    {
        _input.Provide();
        var (input, window, made) = (_input.Window, _window, _made);
        var (bits, count, next) = (_input.Bits, _input.Count, _input.Next);
        var (lastStart, lastMade) = (_input.LastStart, window.Length - LongestMatch);
        var (symbols, distances) = (_codes.Symbols, _codes.Distances);
        var isEnd = false;
        while (next <= lastStart && made <= lastMade)
        {
            bits |= BinaryPrimitives.ReadUInt64LittleEndian(input.AsSpan(next)) << count;
            next += (63 - count) >> 3;
            count |= BitInput.LeastBits;

            var symbol = symbols.Find(bits, out var taken);
            bits >>= taken;
            count -= taken;
            if (symbol < BlockCodes.End)
            {
                window[made++] = (byte)symbol;
                continue;
            }

            isEnd = symbol == BlockCodes.End;
            if (isEnd) break;
            symbol -= FirstLength;
            if (symbol >= Lengths.Length) throw new InvalidDataException("has a length that does not come");
            var extra = LengthBits[symbol];
            var length = Lengths[symbol] + (int)(bits & ((1u << extra) - 1));
            bits >>= extra;
            count -= extra;

            symbol = distances.Find(bits, out taken);
            bits >>= taken;
            count -= taken;
            if (symbol >= Distances.Length) throw new InvalidDataException("has a distance that does not come");
            extra = DistanceBits[symbol];
            var distance = Distances[symbol] + (int)(bits & ((1u << extra) - 1));
            bits >>= extra;
            count -= extra;
            if (distance > made) throw new InvalidDataException("reaches back before its start");
            Repeat(window, made, distance, length);
            made += length;
        }

        (_input.Bits, _input.Count, _input.Next, _made) = (bits, count, next, made);
        if (isEnd) _stage = Next;
    }

    private static void Repeat(byte[] window, int made, int distance, int length)
    {
        if (distance >= length) window.AsSpan(made - distance, length).CopyTo(window.AsSpan(made));
        else if (distance == 1) window.AsSpan(made, length).Fill(window[made - 1]);
        else
        {
            for (var i = made; i < made + length; i++) window[i] = window[i - distance];
        }
    }
}
