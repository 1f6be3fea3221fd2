namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// A container of a pickle. Other values are plain: null, bool, long, BigInteger, double, string, byte[], <see cref="PickleGlobal"/>, and what calls
/// of the allow-list made.
/// </summary>
internal abstract class PickleContainer
{
    private object?[] _items = [];

    /// <summary>Set while a walk is inside, so that it notices a container that contains itself.</summary>
    public bool IsEntered { get; set; }

    /// <summary>The items; of a dictionary, keys and values in turn.</summary>
    public ReadOnlySpan<object?> Items => _items.AsSpan(0, Count);

    protected int Count { get; private set; }

    public void Add(ReadOnlySpan<object?> items)
    {
        if (items.Length > _items.Length - Count) Array.Resize(ref _items, Math.Max(Count + items.Length, 2 * Count));
        items.CopyTo(_items.AsSpan(Count));
        Count += items.Length;
    }
}

/// <summary>A list, or a tuple, which differs only in that no opcode appends to it.</summary>
internal sealed class PickleSequence : PickleContainer
{
    public static readonly PickleSequence EmptyTuple = new(isTuple: true);

    public PickleSequence(bool isTuple) => IsTuple = isTuple;

    public bool IsTuple { get; }

    public int Length => Count;
}

/// <summary>A set or frozenset.</summary>
internal sealed class PickleSet : PickleContainer;

/// <summary>A dict, OrderedDict or Counter. Keys that come twice stay twice: whoever uses the items decides.</summary>
internal sealed class PickleDictionary : PickleContainer;
