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

    // An item of a tuple is looked at here, hashed and compared, as what it is to Python; it lies anywhere in memory, and its own items elsewhere.
    private const int StepsPerItem = 40;
    private const int StepsPerNumber = 16;

    // What a number becomes that no long is; of a set that is compared, also the item's place in a table.
    private const int BytesPerItem = 250;

    private static readonly object None = new();

    // Of what these make nobody knows to what else it is equal: Decimal("1") is 1. Writers have opcodes for most of them.
    private static readonly string[] Computed =
    [
        "re.RegexFlag", "datetime.timedelta", "builtins.int", "builtins.float", "builtins.bool", "builtins.str", "builtins.bytes", "builtins.tuple", "builtins.complex", "decimal.Decimal", "fractions.Fraction",
    ];

    /// <summary>Compares what <see cref="InPython"/> gives.</summary>
    public static IEqualityComparer<object> Comparer { get; } = new Compared();

    /// <summary>Whether a key is what Python makes of other values: it may be equal to any.</summary>
    public static bool IsComputed(object? key) => key is OpaqueValue opaque
        && (Array.IndexOf(Computed, opaque.Name) >= 0 || opaque.Name.StartsWith("numpy.", StringComparison.Ordinal));

    private static int StepsFor(object? item) => item is long or bool or null ? StepsPerNumber : StepsPerItem;

    /// <summary>Whether a key nests deeper than any writer's does.</summary>
    public static bool IsTooDeep(object? key, Ledger ledger, int depth = 0)
    {
        ledger.Work(StepsFor(key));
        var items = key is OpaqueValue opaque ? opaque.Arguments : key as PickleTuple;
        if (items is null) return false;
        if (depth == MaxDepth) return true;
        foreach (var item in items.Items)
        {
            if (IsTooDeep(item, ledger, depth + 1)) return true;
        }

        return false;
    }

    /// <summary>What stands for a key, and is equal where the keys are; null for one that is not compared: too deep, or a set of what is made of other values.</summary>
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
        ledger.Work((depth == 0 ? 1 : StepsFor(key)) + LengthOf(key) / BytesPerStep);
        if (IsLarge(key)) ledger.Charge(BytesPerItem);
        switch (key)
        {
            case Python2String { IsDecoded: false } old: ledger.Charge(MemorySize.OfText(old.Bytes.Length)); return true;
            // One that is larger than 64 bits is made a thousand bits for each comparison.
            case double or PickleComplex: ledger.Work(LargeDoubleSteps); return true;
            case PickleTuple tuple: return depth < MaxDepth && AreCompared(tuple, ledger, depth + 1);
            // Its items are hashed again each time, and so are theirs: of sets in sets that is without an end.
            case PickleSet set: return ArePlain(set, ledger);
            case OpaqueValue opaque: return depth < MaxDepth && AreCompared(opaque.Arguments, ledger, depth + 1);
            default: return true;
        }
    }

    private static bool IsLarge(object? key) => (key is double number && Math.Abs(number) >= LongEnd) || (key is PickleComplex complex && Math.Abs(complex.Real) >= LongEnd);

    private static bool ArePlain(PickleSet set, Ledger ledger)
    {
        for (var run = 0; run < set.RunCount; run++)
        {
            foreach (var item in set.Run(run))
            {
                if (item is PickleContainer or OpaqueValue) return false;
                // Found distinct, hashed for the sum, and both once more where another set has the same; in a table of that time.
                ledger.Charge(BytesPerItem);
                for (var look = 0; look < 4; look++) _ = IsCompared(item, ledger, depth: 0);
            }
        }

        return true;
    }

    private static bool AreCompared(PickleContainer items, Ledger ledger, int depth)
    {
        for (var run = 0; run < items.RunCount; run++)
        {
            foreach (var item in items.Run(run))
            {
                if (!IsCompared(item, ledger, depth)) return false;
            }
        }

        return true;
    }

    private static int LengthOf(object? key) => key switch
    {
        string text => text.Length,
        Python2String old => old.Bytes.Length,
        byte[] bytes => bytes.Length,
        BigInteger large => large.GetByteCount(),
        StorageReference storage => storage.Key.Length + (storage.View?.Key.Length ?? 0),
        OpaqueValue opaque => opaque.Name.Length,
        PickleGlobal global => global.Name.Length,
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
        // Equal to nothing, and found again as the same object.
        PickleComplex complex when double.IsNaN(complex.Real + complex.Imaginary) => key,
        PickleComplex { Imaginary: 0 } complex => Plain(complex.Real),
        // Of zeros without their sign, which Python does not compare.
        PickleComplex complex => new PickleComplex(complex.Real + 0.0, complex.Imaginary),
        PickleGlobal { Kind: PickleGlobalKind.Parameter } => PickleGlobalKind.Parameter,
        _ => key,
    };

    private static object Integer(BigInteger number) => number >= long.MinValue && number <= long.MaxValue ? (object)(long)number : number;

    private sealed class Compared : IEqualityComparer<object>
    {
        public new bool Equals(object? one, object? other) => ReferenceEquals(one, other) || (one, other) switch
        {
            (PickleTuple a, PickleTuple b) => AreEqual(a, b),
            (PickleSet a, PickleSet b) => Distinct(a).SetEquals(Distinct(b)),
            (byte[] a, byte[] b) => a.AsSpan().SequenceEqual(b),
            // Not a number is equal to nothing, but is found again as the same object.
            (double a, double b) => a == b,
            (PickleComplex a, PickleComplex b) => a.Real == b.Real && a.Imaginary == b.Imaginary,
            (StorageReference a, StorageReference b) => a.Key == b.Key && a.View == b.View,
            (OpaqueValue a, OpaqueValue b) => a.Name == b.Name && IsCompared(a) && IsCompared(b) && AreEqual(a.Arguments, b.Arguments),
            (PickledTensor or GrowingContainer, _) => false,
            _ => object.Equals(one, other),
        };

        // Without arguments, or with a state, an object is itself and no other; by its arguments it may be compared, and a member by its name.
        private static bool IsCompared(OpaqueValue value) =>
            value is { States: null, Items: null, Pairs: null, Keywords: null } && (value.Arguments.Count > 0 || value.IsMember);

        private HashSet<object> Distinct(PickleSet set)
        {
            var distinct = new HashSet<object>(this);
            for (var run = 0; run < set.RunCount; run++)
            {
                foreach (var item in set.Run(run)) distinct.Add(Plain(item));
            }

            return distinct;
        }

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

        private void Add(ref HashCode hash, object key)
        {
            switch (key)
            {
                // Each kind by a number of its own, and with its length: what is added for one key is then the beginning of no other's.
                case long number: AddHalves(ref hash, 1, number); break;
                // What is equal only to itself is hashed so: a table of them would be a list.
                case PickleComplex complex when double.IsNaN(complex.Real + complex.Imaginary): hash.Add(RuntimeHelpers.GetHashCode(key)); break;
                case double.NaN or PickledTensor or GrowingContainer and not PickleSet: hash.Add(RuntimeHelpers.GetHashCode(key)); break;
                case OpaqueValue identity when !IsCompared(identity): hash.Add(RuntimeHelpers.GetHashCode(key)); break;
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
                case PickleComplex complex:
                    AddHalves(ref hash, 7, BitConverter.DoubleToInt64Bits(complex.Real));
                    AddHalves(ref hash, 7, BitConverter.DoubleToInt64Bits(complex.Imaginary));
                    break;
                case StorageReference storage:
                    hash.Add(8);
                    hash.Add(storage.Key);
                    hash.Add(storage.View?.Key);
                    if (storage.View is { } view) AddHalves(ref hash, 8, view.Offset);
                    break;
                case OpaqueValue opaque:
                    hash.Add(9);
                    hash.Add(opaque.Name);
                    hash.Add(opaque.Arguments.Count);
                    foreach (var item in opaque.Arguments.Items) Add(ref hash, Plain(item));
                    break;
                case PickleSet set:
                    // In any order.
                    var sum = 0;
                    foreach (var item in Distinct(set)) sum += GetHashCode(item);
                    hash.Add(10);
                    hash.Add(sum);
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
