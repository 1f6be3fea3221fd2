using System.Globalization;
using System.Numerics;
using System.Text;

namespace Loadline.Checkpoints.Pickles;

/// <summary>Keys of dictionaries, so that two are equal where they are in Python.</summary>
internal static class PickleKeys
{
    // Deeper than any key; what comes behind is not compared.
    private const int MaxDepth = 8;

    /// <summary>Compares what <see cref="InPython"/> makes of keys.</summary>
    public static IEqualityComparer<object> Comparer { get; } = new Compared();

    /// <summary>What stands for a key, and is equal where the keys are; null for one that is equal to nothing but itself.</summary>
    /// <param name="key">The key.</param>
    /// <param name="ledger">Charged for what is made of long ones.</param>
    public static object? InPython(object? key, Ledger ledger) => key switch
    {
        string or long => key,
        // To Python True is 1, and so is 1.0.
        bool flag => flag ? 1L : 0L,
        double number when number == Math.Truncate(number) && Math.Abs(number) < long.MaxValue => (long)number,
        double number => number,
        Python2String old => Text(old, ledger),
        null or BigInteger or byte[] or PickleTuple or PickleGlobal => Written(key, ledger),
        _ => null,
    };

    private static string Text(Python2String old, Ledger ledger)
    {
        if (!old.IsDecoded) ledger.Charge(MemorySize.OfText(old.Bytes.Length));
        return old.Text;
    }

    private static WrittenKey? Written(object? key, Ledger ledger)
    {
        var text = new StringBuilder();
        if (!TryWrite(key, depth: 0)) return null;
        ledger.Work(text.Length);
        ledger.Charge(MemorySize.OfText(text.Length));
        return new WrittenKey(text.ToString());

        bool TryWrite(object? item, int depth)
        {
            if (item is not PickleTuple tuple) return Append(item);
            if (depth == MaxDepth) return false;
            text.Append('t').Append(tuple.Count).Append(':');
            foreach (var part in tuple.Items)
            {
                ledger.Work(1);
                if (!TryWrite(part, depth + 1)) return false;
            }

            return true;
        }

        bool Append(object? item)
        {
            var (kind, words) = item switch
            {
                null => ('n', ""),
                BigInteger large => ('l', Convert.ToHexString(large.ToByteArray())),
                byte[] bytes => ('b', Encoding.Latin1.GetString(bytes)),
                PickleGlobal global => ('g', global.Name),
                _ => InPython(item, ledger) switch
                {
                    string plain => ('s', plain),
                    IFormattable number => ('i', number.ToString(null, CultureInfo.InvariantCulture)),
                    _ => ('?', ""),
                },
            };
            // With its length, so that no two tuples are written alike.
            text.Append(kind).Append(words.Length).Append(':').Append(words);
            return kind != '?';
        }
    }

    // No text is equal to what is written of another kind of key.
    private sealed record WrittenKey(string Text);

    /// <summary>As .NET does, but for the hash of integers: that of all multiples of 2^32 + 1 is one.</summary>
    private sealed class Compared : IEqualityComparer<object>
    {
        public new bool Equals(object? one, object? other) => object.Equals(one, other);

        public int GetHashCode(object key) => key is long number ? HashCode.Combine((int)number, (int)(number >> 32)) : key.GetHashCode();
    }
}
