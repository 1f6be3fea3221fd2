namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// A container of a pickle. Other values are plain: null, bool, long, BigInteger, double, <see cref="PickleComplex"/>, string, byte[],
/// <see cref="Python2String"/>, <see cref="PickleGlobal"/>, and what calls of the allow-list made.
/// </summary>
internal abstract class PickleContainer
{
    /// <summary>Set while a walk is inside, so that it notices a container that contains itself.</summary>
    public bool IsEntered { get; set; }

    /// <summary>Whether it has been visited: another visit has to find it wherever it lies.</summary>
    public bool IsVisited { get; set; }

    /// <summary>How many items there are; of a dictionary, keys and values each count.</summary>
    public abstract int Count { get; }

    /// <summary>The runs of memory that the items lie in.</summary>
    public abstract int RunCount { get; }

    /// <summary>One run of items; of a dictionary, keys and values in turn, and never a key without its value.</summary>
    public abstract ReadOnlySpan<object?> Run(int index);
}

/// <summary>A tuple.</summary>
internal sealed class PickleTuple(object?[] items) : PickleContainer
{
    public static readonly PickleTuple Empty = new([]);

    public ReadOnlySpan<object?> Items => items;

    public override int Count => items.Length;

    public override int RunCount => 1;

    public override ReadOnlySpan<object?> Run(int index) => items;
}

/// <summary>A container that grows, in runs: doubling one array would take three times the memory for a moment.</summary>
internal abstract class GrowingContainer : PickleContainer
{
    /// <summary>Whether an object took its state from it, or was made of it: Python copied it then, and what comes later is in no object.</summary>
    public bool IsGiven { get; set; }

    // Even, so that a key and its value stay together.
    private const int RunLength = 1024;

    private List<object?[]>? _full;
    private object?[] _last = [];
    private int _lastCount;

    public override int Count => (_full?.Count ?? 0) * RunLength + _lastCount;

    public override int RunCount => (_full?.Count ?? 0) + 1;

    public override ReadOnlySpan<object?> Run(int index) => index < RunCount - 1 ? _full![index] : _last.AsSpan(0, _lastCount);

    /// <summary>About what <paramref name="items"/> more take.</summary>
    public long BytesFor(int items) => (Count + items < RunLength ? 2L : 1L) * MemorySize.PerItem * items;

    public void Add(ReadOnlySpan<object?> items)
    {
        while (!items.IsEmpty)
        {
            if (_lastCount == RunLength)
            {
                (_full ??= []).Add(_last);
                (_last, _lastCount) = ([], 0);
            }

            var count = Math.Min(items.Length, RunLength - _lastCount);
            if (count > _last.Length - _lastCount) Array.Resize(ref _last, Math.Min(RunLength, Math.Max(_lastCount + count, 2 * _last.Length)));
            items[..count].CopyTo(_last.AsSpan(_lastCount));
            _lastCount += count;
            items = items[count..];
        }
    }

    public void AddAll(PickleContainer other)
    {
        // A container that is added to itself has its items doubled, once.
        var runs = other.RunCount;
        for (var i = 0; i < runs; i++) Add(other.Run(i));
    }
}

/// <summary>A list.</summary>
internal sealed class PickleList : GrowingContainer;

/// <summary>A set or frozenset.</summary>
internal sealed class PickleSet : GrowingContainer;

/// <summary>A dict, OrderedDict, defaultdict or Counter. Keys that come twice stay twice: whoever uses the items decides.</summary>
internal sealed class PickleDictionary : GrowingContainer
{
    // Fewer than these are looked through faster than hashed.
    private const int FewItems = 64;

    // An entry of the index, and a little more: it may grow.
    private const int BytesPerIndexed = 60;

    // What is compared, or hashed, in a step.
    private const int ComparedPerStep = 128;
    private const int HashedPerStep = 8;

    private Dictionary<string, object?>? _index;
    private int _indexed;
    private int _distinct;
    private int _texts;

    /// <summary>The last value under a key that is a string, as Python would have it; null where there is none.</summary>
    /// <param name="key">The key.</param>
    /// <param name="ledger">Charged for the look, and once for an index of many items: whoever holds a dictionary a million times has it asked as often.</param>
    public object? Find(string key, Ledger ledger)
    {
        if (Count <= FewItems)
        {
            ledger.Work(1 + Count / 4 + (long)Count * key.Length / ComparedPerStep);
            return FindAmongFew(key);
        }

        ledger.Work(Ledger.StepsPerLook + key.Length / HashedPerStep);
        if (_index is null || _indexed != Count) (_index, _indexed) = (Index(ledger), Count);
        return _index.GetValueOrDefault(key);
    }

    /// <summary>Looks for a key that stands there twice, of which Python takes the last value, or that another may be equal to, since Python computes it.</summary>
    /// <param name="ledger">Charged once, however often the dictionary is met.</param>
    /// <param name="double">The key; it may be null, which is Python's None.</param>
    public bool TryFindDouble(Ledger ledger, out object? @double)
    {
        @double = null;
        if (_distinct == Count) return false;
        ledger.Work(Count);
        ledger.Charge(BytesPerIndexed * (long)Count / 2);
        var keys = new HashSet<object>(Count / 2, PickleKeys.Comparer);
        var (computed, hasOthers) = ((OpaqueValue?)null, false);
        var deep = 0;
        for (var run = 0; run < RunCount; run++)
        {
            var items = Run(run);
            for (var i = 0; i < items.Length; i += 2)
            {
                var key = PickleKeys.InPython(items[i], ledger);
                // Of two tuples that are too deep to be compared nobody knows; no writer makes one.
                var isDouble = key is not null ? !keys.Add(key) : PickleKeys.IsTooDeep(items[i], ledger) && deep++ > 0;
                if (isDouble)
                {
                    @double = items[i];
                    return true;
                }

                // Of its own class such a key is told apart by its arguments; whether it is equal to one of another nobody knows.
                if (PickleKeys.IsComputed(items[i]) && (computed is null || computed.Name == ((OpaqueValue)items[i]!).Name)) computed ??= (OpaqueValue)items[i]!;
                else hasOthers = true;
            }
        }

        @double = computed;
        if (computed is not null && hasOthers) return true;
        ledger.Refund(BytesPerIndexed * (long)Count / 2);
        _distinct = Count;
        return false;
    }

    /// <summary>Whether all keys are texts, as the names of attributes are: Python computes others, and what is equal to a name counts as one.</summary>
    public bool HasTextKeys(Ledger ledger)
    {
        if (_texts == Count) return true;
        ledger.Work(1 + Ledger.StepsPerLook * (Count / 2L));
        for (var run = 0; run < RunCount; run++)
        {
            var items = Run(run);
            for (var i = 0; i < items.Length; i += 2)
            {
                if (items[i] is not string) return false;
            }
        }

        _texts = Count;
        return true;
    }

    private Dictionary<string, object?> Index(Ledger ledger)
    {
        ledger.Work(Count);
        var index = new Dictionary<string, object?>();
        for (var run = 0; run < RunCount; run++)
        {
            var items = Run(run);
            for (var i = 0; i < items.Length; i += 2)
            {
                if (items[i] is not string text) continue;
                ledger.Work(text.Length / HashedPerStep);
                if (index.TryAdd(text, items[i + 1])) ledger.Charge(BytesPerIndexed);
                else index[text] = items[i + 1];
            }
        }

        return index;
    }

    private object? FindAmongFew(string key)
    {
        object? found = null;
        for (var run = 0; run < RunCount; run++)
        {
            var items = Run(run);
            for (var i = 0; i < items.Length; i += 2)
            {
                if (items[i] is string text && text == key) found = items[i + 1];
            }
        }

        return found;
    }
}

/// <summary>A complex number.</summary>
internal sealed record PickleComplex(double Real, double Imaginary);

/// <summary>A string of Python 2 that is no ASCII: text in an encoding that the file does not name, or the bytes of an array.</summary>
internal sealed record Python2String(byte[] Bytes)
{
    private string? _text;

    /// <summary>Whether its text was made already.</summary>
    public bool IsDecoded => _text is not null;

    /// <summary>The text in UTF-8, or else in Latin-1; made once.</summary>
    public string Text => _text ??= PythonText.TryDecode(Bytes, out var text) ? text : System.Text.Encoding.Latin1.GetString(Bytes);
}
