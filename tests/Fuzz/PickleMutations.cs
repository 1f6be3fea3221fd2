using System.Buffers.Binary;
using System.Text;

namespace Loadline.Fuzz;

/// <summary>Damages of pickles opcode by opcode, so that what comes out is still a program of sorts. What follows the pickles stays as it is.</summary>
internal static class PickleMutations
{
    private const string Plain = "()]}N0122do\u0088\u0089tlusabeoRQ\u0081\u0085\u0086\u0087\u008f\u0090\u0091\u0092\u0093\u0094\u0097\u0098.";

    // A magic number, the protocol's version, facts about the machine, the object, the storages' keys.
    private const int LegacyPickles = 5;

    private static readonly string[] Snippets =
    [
        "cos\nsystem\n", "cbuiltins\neval\n", "ctorch\nSize\n", "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch._utils\n_rebuild_tensor_v3\n",
        "ctorch\nQInt8Storage\n", "ctorch\nfloat64\n", "ccollections\nOrderedDict\n", "c_codecs\nencode\n", "(ios\nsystem\n", "K\u0001", "h\0", "q\0", "r\u00ff\u00ff\u00ff\u007f",
        "X\u0001\0\0\0a", "\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f", "\u008b\u00ff\u00ff\u00ff\u007f", "G\u007f\u00f0\0\0\0\0\0\0", "\u0095\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f",
        "B\u00ff\u00ff\u00ff\u00ff", "C\u0001x", "\u0080\u0005", "\u0082\u0001", "J\u00ff\u00ff\u00ff\u00ff",
        "cmy.code\nThing\n)\u0081", "(imy.code\nThing\n", "I5\n", "L99999999999999999999L\n", "F1e400\n", "S'\\x41'\n", "V\\u2713\n", "g1\n", "p1\n", "U\u0001\u00ff",
        "X\u000b\0\0\0_parameters", "X\u0008\0\0\0_modules", "X\u0008\0\0\0_buffers", "cnumpy.core.multiarray\n_reconstruct\n", "cnumpy\ndtype\n", "X\u0002\0\0\0f4",
        "cnumpy.core.multiarray\nscalar\n", "ctorch\nFloatTensor\n)R", "ccollections\ndefaultdict\n", "ccopy_reg\n_reconstructor\n", "cbuiltins\nfrozenset\n",
    ];

    /// <summary>Opcodes with arguments that readers trip over, or look for.</summary>
    public static IEnumerable<byte[]> Words => Snippets.Select(Encoding.Latin1.GetBytes);

    public static byte[] Apply(Random random, byte[] bytes)
    {
        var (opcodes, rest) = Split(bytes);
        if (opcodes.Count < 3) return bytes;
        for (var count = random.Next(1, 4); count > 0; count--) Edit(random, opcodes);
        return [.. opcodes.SelectMany(o => o), .. bytes[rest..]];
    }

    private static void Edit(Random random, List<byte[]> opcodes)
    {
        var i = random.Next(opcodes.Count);
        switch (random.Next(10))
        {
            case 0: opcodes.RemoveAt(i); break;
            case 1: opcodes.Insert(i, opcodes[random.Next(opcodes.Count)]); break;
            case 2: (opcodes[i], opcodes[^1]) = (opcodes[^1], opcodes[i]); break;
            case 3: opcodes.Insert(i, [(byte)Plain[random.Next(Plain.Length)]]); break;
            case 4: opcodes[i] = [(byte)Plain[random.Next(Plain.Length)]]; break;
            case 5: opcodes.Insert(i, Encoding.Latin1.GetBytes(Snippets[random.Next(Snippets.Length)])); break;
            case 6: Repeat(random, opcodes, i); break;
            case 7: Share(random, opcodes, i); break;
            default: EditArgument(random, opcodes); break;
        }

        if (opcodes.Count == 0) opcodes.Add([(byte)'.']);
    }

    // A run of opcodes over and over: nesting, doubling through the memo, floods of values.
    private static void Repeat(Random random, List<byte[]> opcodes, int from)
    {
        var run = opcodes.GetRange(from, Math.Min(random.Next(1, 8), opcodes.Count - from));
        var times = Math.Min(random.Next(1, 1 << random.Next(1, 16)), (1 << 20) / Math.Max(1, run.Sum(o => o.Length)));
        // Made again and again, a list of them would take all of the heap that the mutant itself may have.
        times = Math.Min(times, Math.Max(0, (1 << 20) - opcodes.Count) / run.Count);
        opcodes.InsertRange(from, Enumerable.Repeat(run, times).SelectMany(o => o));
    }

    /// <summary>The same pickles, with one value of them shared.</summary>
    public static byte[] Shared(Random random, byte[] bytes)
    {
        var (opcodes, rest) = Split(bytes);
        if (opcodes.Count == 0) return bytes;
        Share(random, opcodes, random.Next(opcodes.Count));
        return [.. opcodes.SelectMany(o => o), .. bytes[rest..]];
    }

    private static void Share(Random random, List<byte[]> opcodes, int from)
    {
        var at = opcodes.FindIndex(from, SharingMutations.IsValue);
        if (at >= 0) opcodes.Insert(at + 1, SharingMutations.Behind(random));
    }

    private static void EditArgument(Random random, List<byte[]> opcodes)
    {
        for (var tries = 0; tries < 20; tries++)
        {
            var i = random.Next(opcodes.Count);
            if (opcodes[i].Length < 2) continue;
            var edited = opcodes[i].ToArray();
            Span<byte> number = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(number, Mutations.Number(random));
            if (edited[0] is (byte)'K' or (byte)'M' or (byte)'J' or 0x8a or (byte)'h' or (byte)'q' or (byte)'r' or (byte)'j')
            {
                // 0x8a says how many bytes follow.
                var first = edited[0] == 0x8a ? 2 : 1;
                number[..Math.Min(8, edited.Length - first)].CopyTo(edited.AsSpan(first));
            }
            else
            {
                edited[random.Next(1, edited.Length)] = (byte)random.Next(256);
            }

            opcodes[i] = edited;
            return;
        }
    }

    /// <summary>The opcodes from the start on, each with its argument, and where the first byte that is none stands.</summary>
    private static (List<byte[]> Opcodes, int End) Split(byte[] bytes)
    {
        List<byte[]> opcodes = [];
        var (position, ends) = (0, 0);
        while (position < bytes.Length && LengthOf(bytes, position) is { } length && length <= bytes.Length - position)
        {
            opcodes.Add(bytes[position..(position + (int)length)]);
            position += (int)length;
            if (opcodes[^1][0] != (byte)'.') continue;
            // Behind the last pickle of a legacy file come weights. Pickles of protocols 0 and 1 do not show where they start.
            if (position == bytes.Length || (bytes[0] == 0x80 ? bytes[position] != 0x80 : ++ends == LegacyPickles)) break;
        }

        return (opcodes, position);
    }

    private static long? LengthOf(byte[] bytes, int position)
    {
        long? Counted(int countBytes)
        {
            var count = bytes.AsSpan(position + 1);
            if (count.Length < countBytes) return null;
            return 1 + countBytes + (countBytes == 1 ? count[0] : countBytes == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(count)
                : Math.Max(0, BinaryPrimitives.ReadInt32LittleEndian(count)));
        }

        switch (bytes[position])
        {
            case (byte)'K' or (byte)'h' or (byte)'q' or 0x80 or 0x82: return 2;
            case (byte)'M': return 3;
            case (byte)'J' or (byte)'j' or (byte)'r': return 5;
            case (byte)'G' or 0x95: return 9;
            case (byte)'U' or (byte)'C' or 0x8a or 0x8c: return Counted(1);
            case (byte)'T' or (byte)'X' or (byte)'B' or 0x8b: return Counted(4);
            case 0x8d or 0x8e or 0x96: return Counted(8);
            case (byte)'I' or (byte)'L' or (byte)'F' or (byte)'S' or (byte)'V' or (byte)'g' or (byte)'p':
                var line = bytes.AsSpan(position).IndexOf((byte)'\n');
                return line < 0 ? null : line + 1;
            case (byte)'c' or (byte)'i':
                var module = bytes.AsSpan(position).IndexOf((byte)'\n');
                var name = module < 0 ? -1 : bytes.AsSpan(position + module + 1).IndexOf((byte)'\n');
                return name < 0 ? null : module + name + 2;
            default: return Plain.Contains((char)bytes[position]) ? 1 : null;
        }
    }
}
