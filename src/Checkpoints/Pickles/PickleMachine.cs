using System.Runtime.InteropServices;

namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// Reads a pickle of protocol 0 to 5 as data. It knows the opcodes that build plain values, and interprets calls of globals of the
/// <see cref="AllowList"/>; a call of anything else makes an <see cref="OpaqueValue"/>, into which everything else only stores. No type is looked up,
/// nothing is instantiated by name, nothing runs.
/// </summary>
/// <remarks>
/// Memory and work are bounded by the file's length: every value and every opcode is charged to the file's <see cref="Ledger"/>, memo indexes may not run
/// ahead, lengths are checked against the bytes that are left before anything is allocated. The machine is a loop, so that no nesting exhausts the
/// thread's stack.
/// </remarks>
internal sealed partial class PickleMachine
{
    // By which others ask a dictionary for what it holds.
    private static readonly string[] Methods = ["items", "keys", "values", "get", "copy", "pop", "__class__", "__dict__"];

    // Python writes lists and dictionaries in batches of 1000; only a tuple puts more on the stack at once.
    private const int MaxStack = 1 << 20;

    // An entry of a table that may be larger than any cache.
    private const int StepsPerFarMemo = Ledger.StepsPerLook - 1;

    // Picklers number what they memoize from 0 on and leave none out; a pickle whose unused entries were stripped may have gaps.
    private const int MaxMemoGap = 1 << 16;

    private readonly PickleInput _input;
    private readonly PickleContext _context;
    private readonly Ledger _ledger;
    private readonly Func<object?, object?> _persistentLoad;
    private readonly bool _isGuess;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private object?[] _memo = new object?[64];
    private int _memoized;
    private int _highestStack;
    private int _mostMarks;
    private long _leftBehindFrame = NoFrame;

    /// <param name="input">Where the pickle starts; reading it takes just its bytes.</param>
    /// <param name="context">The file it is from.</param>
    /// <param name="persistentLoad">Turns a persistent id into a value.</param>
    /// <param name="isGuess">
    /// Whether it only finds out what Python might make of bytes that are perhaps no pickle: what no writer writes, and Python takes, is then passed over, and
    /// makes a value of which nothing is known.
    /// </param>
    public PickleMachine(PickleInput input, PickleContext context, Func<object?, object?> persistentLoad, bool isGuess = false) =>
        (_input, _context, _ledger, _persistentLoad, _isGuess) = (input, context, context.Ledger, persistentLoad, isGuess);

    /// <summary>Reads one pickle and returns its value, from the top of the stack. Whether it names what gets a file refused is asked of the context afterwards.</summary>
    /// <exception cref="CheckpointException">The pickle is malformed or exceeds a limit.</exception>
    public object? Run()
    {
        try
        {
            while (true)
            {
                _ledger.Work(1);
                var opcode = (PickleOpcode)Next();
                if (opcode == PickleOpcode.Stop) break;
                if (!(_isGuess && ReadGuessed(opcode)) && !ReadValue(opcode) && !ReadText(opcode) && !Build(opcode))
                    throw Refuse($"has an opcode that no checkpoint has, 0x{(byte)opcode:x2}");
                if (_input.Left <= _leftBehindFrame) EndFrame();
            }

            if (_leftBehindFrame != NoFrame && _input.Left != _leftBehindFrame) throw RefuseFrame("stops inside of a frame");
            if (!_isGuess && (_marks.Count > 0 || _stack.Count != 1)) throw Refuse($"stops with {_stack.Count} values instead of one");
            var value = Peek();
            if (_context.NamesFunctions && value is PickleGlobal { Kind: PickleGlobalKind.GetAttribute }) _context.NoteValues([value]);
            return value;
        }
        catch (CheckpointException) when (_context.IsHostile)
        {
            // Whatever else is wrong with it: this is what whoever has the file should know.
            throw _context.HostileRefusal();
        }
    }

    private bool Build(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Proto: ReadProtocol(); break;
            case PickleOpcode.Mark: Mark(); break;
            case PickleOpcode.Pop: PopOrUnmark(); break;
            case PickleOpcode.PopMark: Truncate(PopMark()); break;
            case PickleOpcode.Dup: Push(Peek()); break;
            case PickleOpcode.EmptyList: PushNew(new PickleList()); break;
            case PickleOpcode.EmptyDict: PushNew(new PickleDictionary()); break;
            case PickleOpcode.EmptySet: PushNew(new PickleSet()); break;
            case PickleOpcode.EmptyTuple: Push(PickleTuple.Empty); break;
            case PickleOpcode.Tuple: Gather(PopMark()); break;
            case PickleOpcode.Tuple1: Gather(_stack.Count - 1); break;
            case PickleOpcode.Tuple2: Gather(_stack.Count - 2); break;
            case PickleOpcode.Tuple3: Gather(_stack.Count - 3); break;
            case PickleOpcode.List: Collect(new PickleList()); break;
            case PickleOpcode.Dict: Collect(new PickleDictionary()); break;
            case PickleOpcode.FrozenSet: Collect(new PickleSet()); break;
            case PickleOpcode.Append: AddTo(opcode, _stack.Count - 1); break;
            case PickleOpcode.SetItem: AddTo(opcode, _stack.Count - 2); break;
            case PickleOpcode.Appends or PickleOpcode.AddItems or PickleOpcode.SetItems: AddTo(opcode, PopMark()); break;
            case PickleOpcode.BinGet: Push(Recall(Next())); break;
            case PickleOpcode.LongBinGet: Push(RecallFar(ReadUInt32())); break;
            case PickleOpcode.BinPut: Memoize(Next()); break;
            case PickleOpcode.LongBinPut: Memoize(ReadUInt32()); break;
            case PickleOpcode.Memoize: Memoize(_memoized); break;
            case PickleOpcode.Global: Push(ReadGlobal()); break;
            case PickleOpcode.StackGlobal: StackGlobal(); break;
            case PickleOpcode.BinPersId: PushNew(_persistentLoad(Pop())); break;
            case PickleOpcode.Reduce: Call(); break;
            case PickleOpcode.NewObj: CallNew(); break;
            case PickleOpcode.NewObjEx: CallWithKeywords(); break;
            case PickleOpcode.Inst: Instantiate(ReadGlobal(), PopMark()); break;
            case PickleOpcode.Obj: InstantiateFromStack(); break;
            case PickleOpcode.Build: BuildState(); break;
            case PickleOpcode.Frame: BeginFrame(); break;
            default: return false;
        }

        return true;
    }

    private void ReadProtocol()
    {
        if (Next() is var protocol and > 5 && !_isGuess) throw Refuse($"is of protocol {protocol}, and only 0 to 5 are known");
    }

    private void Push(object? value)
    {
        if (_stack.Count == MaxStack) throw RefuseLimit($"puts more than {MaxStack} values on its stack");
        _stack.Add(value);
        if (_stack.Count <= _highestStack) return;
        _highestStack = _stack.Count;
        // Twice: a stack that grows doubles.
        _ledger.Charge(2 * MemorySize.PerItem);
    }

    /// <summary>Pushes a value that was made for it, and charges what it takes. A value is at most as large as others that were paid for.</summary>
    private void PushNew(object? value)
    {
        _ledger.Charge(MemorySize.Of(value));
        Push(value);
    }

    private void Mark()
    {
        if (_marks.Count == MaxStack) throw RefuseLimit($"opens more than {MaxStack} groups");
        _marks.Add(_stack.Count);
        if (_marks.Count <= _mostMarks) return;
        _mostMarks = _marks.Count;
        _ledger.Charge(MemorySize.PerItem);
    }

    /// <summary>The stack's values belong to the innermost mark: no opcode but those that end it may reach below.</summary>
    private int Floor => _marks is [.., var mark] ? mark : 0;

    private object? Peek() => _stack.Count > Floor ? _stack[^1] : throw Refuse("takes a value from an empty stack");

    private object? Pop()
    {
        var value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private void PopOrUnmark()
    {
        // As in Python: a POP right behind a MARK takes the mark.
        if (_stack.Count > Floor) Pop();
        else PopMark();
    }

    private int PopMark()
    {
        if (_marks is not [.., var mark]) throw Refuse("ends a group that never began");
        _marks.RemoveAt(_marks.Count - 1);
        return mark;
    }

    private void Truncate(int count) => CollectionsMarshal.SetCount(_stack, count);

    private ReadOnlySpan<object?> From(int first) =>
        first >= Floor ? CollectionsMarshal.AsSpan(_stack)[first..] : throw Refuse("takes more values than the stack holds");

    private PickleTuple TakeTuple(int first)
    {
        var items = From(first);
        if (items.IsEmpty) return PickleTuple.Empty;
        if (_context.NamesFunctions) _context.NoteValues(items);
        _ledger.Charge(2 * MemorySize.OfText(0) + MemorySize.PerItem * (long)items.Length);
        var tuple = new PickleTuple(items.ToArray());
        Truncate(first);
        return tuple;
    }

    private void Gather(int first) => Push(TakeTuple(first));

    private void Collect(GrowingContainer container)
    {
        var first = PopMark();
        _ledger.Charge(MemorySize.Of(container));
        Fill(container, From(first));
        Truncate(first);
        Push(container);
    }

    private void Fill(GrowingContainer container, ReadOnlySpan<object?> items)
    {
        if (container is PickleDictionary && items.Length % 2 != 0) throw Refuse("sets a key without a value");
        if (_context.NamesFunctions) _context.NoteValues(items);
        _ledger.Charge(container.BytesFor(items.Length) + 2 * MemorySize.PerItem);
        container.Add(items);
    }

    private void AddTo(PickleOpcode opcode, int first)
    {
        var items = From(first);
        if (first == Floor) throw Refuse("adds items to what does not take them");
        if (_isGuess)
        {
            if (_context.NamesFunctions) _context.NoteValues(items);
            Truncate(first);
            return;
        }

        RequireGrows(_stack[first - 1]);
        Fill(
            (_stack[first - 1], opcode) switch
            {
                (PickleList list, PickleOpcode.Append or PickleOpcode.Appends) => list,
                (PickleSet set, PickleOpcode.AddItems) => set,
                (PickleDictionary dictionary, PickleOpcode.SetItem or PickleOpcode.SetItems) => dictionary,
                (OpaqueValue opaque, PickleOpcode.SetItem or PickleOpcode.SetItems) when !IsDeque(opaque.Name) => opaque.ForPairs(_ledger),
                (OpaqueValue opaque, PickleOpcode.Append or PickleOpcode.Appends or PickleOpcode.AddItems) => opaque.ForItems(_ledger),
                _ => throw Refuse("adds items to what does not take them"),
            },
            items);
        if (_stack[first - 1] is OpaqueValue filled) RequireKept(filled);
        Truncate(first);
    }

    private void RequireGrows(object? value)
    {
        if (value is GrowingContainer { IsGiven: true } or OpaqueValue { IsGiven: true })
            throw Refuse("adds items to what an object has its state from already, or was made of, which Python may not see");
        if (value is OpaqueValue { IsReconstructed: true }) throw Refuse("adds items to an object that was made with its contents, which no writer does");
    }

    private object? Recall(long index) => index < _memo.Length && _memo[index] is { } value ? value : throw Refuse($"recalls {index}, which it never memoized");

    private object? RecallFar(long index)
    {
        _ledger.Work(StepsPerFarMemo);
        return Recall(index);
    }

    private void Memoize(long index)
    {
        if (index > _memoized + MaxMemoGap) throw RefuseLimit($"memoizes at {index}, far beyond the {_memoized} values memoized so far");
        if (index >= _memo.Length)
        {
            var length = (int)Math.Max(index + 1, 2L * _memo.Length);
            _ledger.Charge(MemorySize.PerItem * (long)length);
            Array.Resize(ref _memo, length);
        }

        if (_memo[index] is null) _memoized++;
        _memo[index] = Peek() ?? throw Refuse("memoizes None");
    }

    private void StackGlobal()
    {
        if (Pop() is not string name || Pop() is not string module) throw Refuse("names a global by something other than strings");
        Push(Named(module, name));
    }

    private CheckpointException Refuse(string problem, CheckpointError error = CheckpointError.Malformed) =>
        new(error, _context.Path, $"the pickle {problem} (at byte {_input.Position})");

    private CheckpointException RefuseLimit(string problem) => new(CheckpointError.LimitExceeded, _context.Path, $"the pickle {problem}");
}
