using System.Runtime.CompilerServices;

namespace Loadline.Checkpoints.Deflate;

/// <summary>A prefix code that is given by the lengths of its words (RFC 1951, 3.2.2).</summary>
internal sealed class HuffmanCode
{
    /// <summary>The longest word.</summary>
    public const int MostBits = 15;

    // Words up to here are looked up, longer ones, which are rare, are walked.
    private const int TableBits = 10;

    private const int LengthBits = 4;

    // Of a word and whatever follows it: its symbol, and its length in the lowest bits; 0 where it is longer, or none.
    private readonly ushort[] _table = new ushort[1 << TableBits];

    // The symbols by their words' lengths, and how many have each.
    private readonly ushort[] _symbols = new ushort[BlockCodes.MostSymbols];
    private readonly ushort[] _counts = new ushort[MostBits + 1];

    // By length: where its words end, from the highest bit of the longest on, and what is added to one of them to find its symbol.
    private readonly int[] _ends = new int[MostBits + 1];
    private readonly int[] _places = new int[MostBits + 1];

    /// <summary>Makes the code anew.</summary>
    /// <param name="lengths">The length of each symbol's word in bits, up to <see cref="MostBits"/>; 0 for a symbol that does not come.</param>
    /// <param name="mayBeAlone">Whether one word of one bit may be all that there is, and the other bit none. (No word at all is refused by who looks for one.)</param>
    /// <exception cref="InvalidDataException">There are not so many words, or bits with which none begins.</exception>
    public void Build(ReadOnlySpan<byte> lengths, bool mayBeAlone)
    {
        Array.Clear(_counts);
        foreach (var length in lengths) _counts[length]++;
        _counts[0] = 0;

        // Where the symbols of each length begin, and how many words of that length are free.
        Span<int> places = stackalloc int[MostBits + 1];
        var (free, longest) = (1, 0);
        for (var bits = 1; bits <= MostBits; bits++)
        {
            places[bits] = places[bits - 1] + _counts[bits - 1];
            free = (free << 1) - _counts[bits];
            if (free < 0) throw new InvalidDataException("has more words in a code than there are");
            if (_counts[bits] > 0) longest = bits;
        }

        if (free > 0 && longest > (mayBeAlone ? 1 : 0)) throw new InvalidDataException("has a code with words that mean nothing");
        for (var symbol = 0; symbol < lengths.Length; symbol++)
        {
            if (lengths[symbol] != 0) _symbols[places[lengths[symbol]]++] = (ushort)symbol;
        }

        FillTable();
        var (word, place) = (0, 0);
        for (var bits = 1; bits <= MostBits; bits++)
        {
            word <<= 1;
            _places[bits] = place - word;
            word += _counts[bits];
            place += _counts[bits];
            _ends[bits] = word << (MostBits - bits);
        }
    }

    /// <summary>The symbol of the next word.</summary>
    /// <param name="bits">What comes next, <see cref="MostBits"/> at least.</param>
    /// <param name="length">How many of the bits it takes.</param>
    /// <exception cref="InvalidDataException">They begin with no word.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(ulong bits, out int length)
    {
        var entry = _table[bits & ((1 << TableBits) - 1)];
        if (entry == 0) return Walk(bits, out length);
        length = entry & ((1 << LengthBits) - 1);
        return entry >> LengthBits;
    }

    // Words of one length follow each other, behind all shorter ones: which length it is the first bound above it tells.
    private int Walk(ulong bits, out int length)
    {
        var word = Reversed((int)bits & ((1 << MostBits) - 1));
        for (length = TableBits + 1; length <= MostBits; length++)
        {
            if (word < _ends[length]) return _symbols[_places[length] + (word >> (MostBits - length))];
        }

        throw new InvalidDataException("has a word that means nothing");
    }

    // In pairs, in fours and so on.
    private static int Reversed(int word)
    {
        word = ((word & 0x5555) << 1) | ((word >> 1) & 0x5555);
        word = ((word & 0x3333) << 2) | ((word >> 2) & 0x3333);
        word = ((word & 0x0f0f) << 4) | ((word >> 4) & 0x0f0f);
        word = ((word & 0x00ff) << 8) | (word >> 8);
        return word >> (16 - MostBits);
    }

    // The table of words up to one length is twice that of words of less: what they mean they mean whatever bit follows. So a few copies fill it, and each word one place.
    private void FillTable()
    {
        var (size, word, place) = (1, 0, 0);
        _table[0] = 0;
        for (var length = 1; length <= TableBits; length++)
        {
            _table.AsSpan(0, size).CopyTo(_table.AsSpan(size));
            size <<= 1;
            for (var left = _counts[length]; left > 0; left--)
            {
                _table[word] = (ushort)((_symbols[place++] << LengthBits) | length);
                word = Following(word, size >> 1);
            }
        }
    }

    // Words come from their highest bit on, all else from its lowest: to count, the carry goes down. (To the first word of the next length a 0 is added on top.)
    private static int Following(int word, int highestBit)
    {
        var bit = highestBit;
        for (; (word & bit) != 0; bit >>= 1) word ^= bit;
        return word | bit;
    }
}
