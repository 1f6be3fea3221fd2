namespace Loadline.Unit.Checkpoints.Deflate;

/// <summary>Deflated streams that no writer makes.</summary>
internal static class TinyDeflate
{
    /// <summary>A stored block of nothing: no code of its own, as `00` and the complement of its length say.</summary>
    public static readonly byte[] EmptyBlock = [0, 0, 0, 0xff, 0xff];

    /// <summary>Empty blocks, and one more that is the last.</summary>
    public static byte[] Blocks(int count) => [.. Enumerable.Repeat(EmptyBlock, count).SelectMany(block => block), 1, .. EmptyBlock[1..]];

    /// <summary>Blocks of two words, of which the one for the end comes.</summary>
    /// <param name="count">How many.</param>
    /// <param name="isLast">Whether the last of them ends the stream.</param>
    public static byte[] Tables(int count, bool isLast = true)
    {
        var bits = new List<bool>();
        for (var i = 1; i <= count; i++)
        {
            Put(i == count && isLast ? 1 : 0, 1);
            Put(2, 2);
            Put(0, 10);
            Put(14, 4);
            // The lengths of the lengths' words, in their order: one bit each for 18, which is eleven zeros and more, and for 1.
            for (var symbol = 0; symbol < 18; symbol++) Put(symbol is 2 or 17 ? 1 : 0, 3);
            Put(1 | 127 << 1, 8);
            Put(1 | 107 << 1, 8);
            // The end of the block, and one distance.
            Put(0, 2);
            Put(0, 1);
        }

        var bytes = new byte[(bits.Count + 7) / 8];
        for (var i = 0; i < bits.Count; i++) bytes[i / 8] |= (byte)(bits[i] ? 1 << (i % 8) : 0);
        return bytes;

        void Put(int value, int length)
        {
            for (var bit = 0; bit < length; bit++) bits.Add((value >> bit & 1) == 1);
        }
    }
}
