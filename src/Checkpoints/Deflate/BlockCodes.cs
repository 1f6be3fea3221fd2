namespace Loadline.Checkpoints.Deflate;

/// <summary>The two codes of a block: of bytes and lengths, and of distances (RFC 1951, 3.2.5 to 3.2.7).</summary>
internal sealed class BlockCodes
{
    /// <summary>Symbols of the larger code, of which the last two never come.</summary>
    public const int MostSymbols = 288;

    /// <summary>Symbols of distances, of which the last two never come.</summary>
    public const int MostDistances = 32;

    /// <summary>The symbol behind the bytes: the block ends.</summary>
    public const int End = 256;

    private const int SymbolsThatCome = 286;
    private const int DistancesThatCome = 30;

    private readonly HuffmanCode _lengths = new();

    /// <summary>Those that every reader knows, and none changes.</summary>
    public static BlockCodes Fixed { get; } = MakeFixed();

    public HuffmanCode Symbols { get; } = new();

    public HuffmanCode Distances { get; } = new();

    private static ReadOnlySpan<byte> LengthOrder => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    /// <summary>Those that stand before the block.</summary>
    /// <exception cref="InvalidDataException">They are no codes, or without a word for the block's end.</exception>
    public void Read(BitInput input)
    {
        var symbols = input.Take(5) + 257;
        var distances = input.Take(5) + 1;
        var words = input.Take(4) + 4;
        if (symbols > SymbolsThatCome || distances > DistancesThatCome) throw new InvalidDataException("has a code of too many symbols");

        Span<byte> lengths = stackalloc byte[MostSymbols + MostDistances];
        lengths.Clear();
        for (var i = 0; i < words; i++) lengths[LengthOrder[i]] = (byte)input.Take(3);
        _lengths.Build(lengths[..LengthOrder.Length], mayBeAlone: false);

        ReadLengths(input, lengths[..(symbols + distances)]);
        if (lengths[End] == 0) throw new InvalidDataException("has a block without an end");
        Symbols.Build(lengths[..symbols], mayBeAlone: true);
        Distances.Build(lengths.Slice(symbols, distances), mayBeAlone: true);
    }

    // The lengths of both codes in a row, with words for repetitions.
    private void ReadLengths(BitInput input, Span<byte> lengths)
    {
        var done = 0;
        while (done < lengths.Length)
        {
            input.Refill();
            var symbol = _lengths.Find(input.Bits, out var bits);
            input.Skip(bits);
            if (symbol < 16)
            {
                lengths[done++] = (byte)symbol;
                continue;
            }

            if (symbol == 16 && done == 0) throw new InvalidDataException("repeats a length before the first");
            var (value, times) = symbol switch
            {
                16 => (lengths[done - 1], 3 + input.Take(2)),
                17 => ((byte)0, 3 + input.Take(3)),
                _ => ((byte)0, 11 + input.Take(7)),
            };
            if (times > lengths.Length - done) throw new InvalidDataException("repeats a length beyond the last");
            lengths.Slice(done, times).Fill(value);
            done += times;
        }
    }

    private static BlockCodes MakeFixed()
    {
        var codes = new BlockCodes();
        Span<byte> lengths = stackalloc byte[MostSymbols];
        lengths[..144].Fill(8);
        lengths[144..256].Fill(9);
        lengths[256..280].Fill(7);
        lengths[280..].Fill(8);
        codes.Symbols.Build(lengths, mayBeAlone: false);
        lengths[..MostDistances].Fill(5);
        codes.Distances.Build(lengths[..MostDistances], mayBeAlone: false);
        return codes;
    }
}
