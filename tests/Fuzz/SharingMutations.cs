using System.Text;

namespace Loadline.Fuzz;

/// <summary>
/// One value that stands in a pickle a thousand or a million times, by references of two bytes: the way in which a small file asks for much work.
/// What leaves a value on the stack is followed by opcodes that keep it in the memo and put in its place something that holds it so often.
/// </summary>
internal static class SharingMutations
{
    // An entry of the memo that no fixture uses; the opcodes that get it have one byte for it.
    private const byte Memo = 0xfe;
    private const int MostBytes = 1 << 20;

    /// <summary>Whether an opcode leaves a value that is worth sharing: a call's result, a tensor's storage, a collection, a name.</summary>
    public static bool IsValue(byte[] opcode) =>
        opcode[0] is (byte)'R' or (byte)'Q' or (byte)'b' or (byte)'e' or (byte)'u' or (byte)'t' or (byte)'}' or (byte)']' or (byte)'X' or 0x81 or 0x85 or 0x86 or 0x87;

    /// <summary>What is put behind such an opcode.</summary>
    public static byte[] Behind(Random random)
    {
        var times = 1 << random.Next(1, 20);
        return random.Next(5) switch
        {
            0 => [.. Kept, (byte)']', (byte)'(', .. Repeated(times), (byte)'e'],
            1 => [.. Kept, (byte)'(', .. Repeated(times), (byte)'t'],
            2 => [.. Kept, (byte)'}', (byte)'(', .. Members(times), (byte)'u'],
            3 => Doubled(random.Next(1, 40)),
            // A list that holds a list that holds it: times squared, in twice the bytes.
            _ => [.. Kept, (byte)'(', .. Repeated(1 << random.Next(1, 17)), (byte)'t', .. Kept, (byte)'}', (byte)'(', .. Members(1 << random.Next(1, 14)), (byte)'u'],
        };
    }

    private static ReadOnlySpan<byte> Kept => [(byte)'q', Memo, (byte)'0'];

    private static byte[] Repeated(int times)
    {
        var references = new byte[2 * Math.Min(times, MostBytes / 2)];
        for (var i = 0; i < references.Length; i += 2) (references[i], references[i + 1]) = ((byte)'h', Memo);
        return references;
    }

    // Each under a name of its own, as tensors in a state dict are.
    private static byte[] Members(int times)
    {
        List<byte> members = [];
        for (var i = 0; i < times && members.Count < MostBytes; i++)
        {
            var name = Encoding.ASCII.GetBytes($"{i:x}");
            members.AddRange([(byte)'X', (byte)name.Length, 0, 0, 0, .. name, (byte)'h', Memo]);
        }

        return [.. members];
    }

    // Two of it, two of those, and so on.
    private static byte[] Doubled(int depth)
    {
        List<byte> opcodes = [.. Kept, (byte)'h', Memo];
        for (var i = 0; i < depth; i++) opcodes.AddRange([.. Kept, (byte)'h', Memo, (byte)'h', Memo, 0x86]);
        return [.. opcodes];
    }
}
