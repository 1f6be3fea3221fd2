using System.Numerics;
using System.Runtime.CompilerServices;

namespace Loadline.Checkpoints.Pickles;

/// <summary>Keys of dictionaries, so that two are equal where they are in Python. Nothing is made of them: a tuple may hold one text a million times.</summary>
internal static class PickleKeys
{
    // Deeper than any key; what comes behind is not compared.
    private const int MaxDepth = 256;

    // What is hashed, and compared, in a step.
    private const int BytesPerStep = 8;

    // 2^63, the first that no long is.
    private const double LongEnd = 9223372036854775808.0;
    private const int LargeDoubleSteps = 128;

    private static readonly object None = new();

    /// <summary>Compares what <see cref="InPython"/> gives.</summary>
    public static IEqualityComparer<object> Comparer { get; } = new Compared();

    /// <summary>What stands for a key, and is equal where the keys are; null for one that is equal to nothing but itself.</summary>
    /// <param name="key">The key.</param>
    /// <param name="ledger">Charged for the look that a comparer takes.</param>
    public static object? InPython(object? key, Ledger ledger)
    {
        // Nearly all are one of these; a look at others loads a library of large numbers, which a first load would wait for.
        if (key is not (string or long)) return OfOtherKind(key, ledger);
        ledger.Work(1 + (key as string ?? "").Length / BytesPerStep);
        return key;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static object? OfOtherKind(object? key, Ledger ledger) => IsCompared(key, ledger, depth: 0) ? Plain(key) : null;

    private static bool IsCompared(object? key, Ledger ledger, int depth)
    {
        ledger.Work(1 + LengthOf(key) / BytesPerStep);
        switch (key)
        {
            case Python2String { IsDecoded: false } old: ledger.Charge(MemorySize.OfText(old.Bytes.Length)); return true;
            // Not even equal to itself.
            case double number:
                // One that is larger than 64 bits is made a thousand bits for each comparison.
                if (Math.Abs(number) >= LongEnd) ledger.Work(LargeDoubleSteps);
                return !double.IsNaN(number);
            case null or string or Python2String or bool or long or BigInteger or byte[] or PickleGlobal: return true;
            case PickleTuple tuple when depth < MaxDepth:
                foreach (var item in tuple.Items)
                {
                    if (!IsCompared(item, ledger, depth + 1)) return false;
                }

                return true;
            default: return false;
        }
    }

    private static int LengthOf(object? key) => key switch
    {
        string text => text.Length,
        Python2String old => old.Bytes.Length,
        byte[] bytes => bytes.Length,
        BigInteger large => large.GetByteCount(),
        _ => 0,
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static object Plain(object? key) => key switch
    {
        null => None,
        Python2String old => old.Text,
        // To Python True is 1, and so is 1.0.
        bool flag => flag ? 1L : 0L,
        double number when number == Math.Truncate(number) && double.IsFinite(number) => Math.Abs(number) < LongEnd ? (object)(long)number : Integer(new BigInteger(number)),
        BigInteger large => Integer(large),
        _ => key,
    };

    private static object Integer(BigInteger number) => number >= long.MinValue && number <= long.MaxValue ? (object)(long)number : number;

    private sealed class Compared : IEqualityComparer<object>
    {
        public new bool Equals(object? one, object? other) => (one, other) switch
        {
            (PickleTuple a, PickleTuple b) => AreEqual(a, b),
            (byte[] a, byte[] b) => a.AsSpan().SequenceEqual(b),
            _ => object.Equals(one, other),
        };

        // Of numbers the halves by themselves: .NET's is the one against the other, and of numbers that a file chose all have the same.
        public int GetHashCode(object key)
        {
            var hash = default(HashCode);
            Add(ref hash, key);
            return hash.ToHashCode();
        }

        private bool AreEqual(PickleTuple one, PickleTuple other)
        {
            if (one.Items.Length != other.Items.Length) return false;
            for (var i = 0; i < one.Items.Length; i++)
            {
                if (!Equals(Plain(one.Items[i]), Plain(other.Items[i]))) return false;
            }

            return true;
        }

        private static void Add(ref HashCode hash, object key)
        {
            switch (key)
            {
                // Each kind by a number of its own, and with its length: what is added for one key is then the beginning of no other's.
                case long number: AddHalves(ref hash, 1, number); break;
                case double number: AddHalves(ref hash, 2, BitConverter.DoubleToInt64Bits(number)); break;
                case byte[] bytes:
                    hash.Add(3);
                    hash.Add(bytes.Length);
                    hash.AddBytes(bytes);
                    break;
                case PickleGlobal global:
                    hash.Add(4);
                    hash.Add(global.Name);
                    break;
                case PickleTuple tuple:
                    hash.Add(5);
                    hash.Add(tuple.Items.Length);
                    foreach (var item in tuple.Items) Add(ref hash, Plain(item));
                    break;
                default:
                    hash.Add(6);
                    hash.Add(key);
                    break;
            }
        }

        private static void AddHalves(ref HashCode hash, int kind, long bits)
        {
            hash.Add(kind);
            hash.Add((int)bits);
            hash.Add((int)(bits >> 32));
        }
    }
}
