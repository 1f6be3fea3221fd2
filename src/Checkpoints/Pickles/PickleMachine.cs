using System.Runtime.InteropServices;

namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// Reads a pickle of protocol 2 to 5 as data. It knows the opcodes that build plain values, and calls only to <see cref="TorchCalls"/>, for globals
/// of the <see cref="AllowList"/>; no type is looked up, nothing is instantiated by name, nothing runs.
/// </summary>
/// <remarks>
/// Memory is bounded by the pickle's length: every value is charged to a budget, memo indexes may not run ahead, lengths are checked against the bytes
/// that are left before anything is allocated. The machine is a loop, so that no nesting exhausts the thread's stack.
/// </remarks>
internal sealed partial class PickleMachine
{
    // One byte makes a container of 64, and two references to memoized values make a function's result of any size: without a limit a small pickle
    // would take all memory. A state dict takes about six times its pickle's length, a list of small numbers eight times.
    private const long MemoryForFree = 24 << 20;
    private const long MemoryPerByte = 8;

    // Python writes lists and dictionaries in batches of 1000; only a tuple puts more on the stack at once.
    private const int MaxStack = 1 << 20;

    // Picklers number what they memoize from 0 on and leave none out; a pickle whose unused entries were stripped may have gaps.
    private const int MaxMemoGap = 1 << 16;

    private readonly PickleInput _input;
    private readonly long _start;
    private readonly string _path;
    private readonly Func<object?, object?> _persistentLoad;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private object?[] _memo = new object?[64];
    private int _memoized;
    private long _memoryTaken;

    /// <param name="input">Where the pickle starts; reading it takes just its bytes.</param>
    /// <param name="path">The file it is from, for errors.</param>
    /// <param name="persistentLoad">Turns a persistent id into a value.</param>
    public PickleMachine(PickleInput input, string path, Func<object?, object?> persistentLoad) =>
        (_input, _start, _path, _persistentLoad) = (input, input.Position, path, persistentLoad);

    private long BytesSoFar => _input.Position - _start;

    /// <summary>Reads one pickle and returns its value.</summary>
    /// <exception cref="CheckpointException">The pickle is malformed, exceeds a limit, or names a global outside the allow-list.</exception>
    public object? Run()
    {
        var first = (PickleOpcode)Next();
        // Protocol 0 starts with the global that it would call: the name says more than the protocol.
        if (first == PickleOpcode.Global) Global(ReadLine(), ReadLine());
        if (first != PickleOpcode.Proto || Next() is not (>= 2 and <= 5))
        {
            throw Refuse("does not start as one of protocol 2 to 5");
        }

        while (true)
        {
            var opcode = (PickleOpcode)Next();
            if (opcode == PickleOpcode.Stop) break;
            if (!ReadValue(opcode) && !Build(opcode)) throw Refuse($"has an opcode that no checkpoint has, 0x{(byte)opcode:x2}");
        }

        if (_marks.Count > 0 || _stack.Count != 1) throw Refuse($"stops with {_stack.Count} values instead of one");
        return _stack[0];
    }

    private bool Build(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Mark: Mark(); break;
            case PickleOpcode.Pop: PopOrUnmark(); break;
            case PickleOpcode.PopMark: Truncate(PopMark()); break;
            case PickleOpcode.Dup: Push(Peek()); break;
            case PickleOpcode.EmptyList: PushNew(new PickleSequence(isTuple: false)); break;
            case PickleOpcode.EmptyDict: PushNew(new PickleDictionary()); break;
            case PickleOpcode.EmptySet: PushNew(new PickleSet()); break;
            case PickleOpcode.EmptyTuple: Push(PickleSequence.EmptyTuple); break;
            case PickleOpcode.Tuple: Gather(new PickleSequence(isTuple: true), PopMark()); break;
            case PickleOpcode.Tuple1: Gather(new PickleSequence(isTuple: true), _stack.Count - 1); break;
            case PickleOpcode.Tuple2: Gather(new PickleSequence(isTuple: true), _stack.Count - 2); break;
            case PickleOpcode.Tuple3: Gather(new PickleSequence(isTuple: true), _stack.Count - 3); break;
            case PickleOpcode.FrozenSet: Gather(new PickleSet(), PopMark()); break;
            case PickleOpcode.Append: AddTo<PickleSequence>(_stack.Count - 1); break;
            case PickleOpcode.Appends: AddTo<PickleSequence>(PopMark()); break;
            case PickleOpcode.AddItems: AddTo<PickleSet>(PopMark()); break;
            case PickleOpcode.SetItem: AddTo<PickleDictionary>(_stack.Count - 2); break;
            case PickleOpcode.SetItems: AddTo<PickleDictionary>(PopMark()); break;
            case PickleOpcode.BinGet: Push(Recall(Next())); break;
            case PickleOpcode.LongBinGet: Push(Recall(ReadUInt32())); break;
            case PickleOpcode.BinPut: Memoize(Next()); break;
            case PickleOpcode.LongBinPut: Memoize(ReadUInt32()); break;
            case PickleOpcode.Memoize: Memoize(_memoized); break;
            case PickleOpcode.Global: Push(Global(ReadLine(), ReadLine())); break;
            case PickleOpcode.StackGlobal: StackGlobal(); break;
            case PickleOpcode.BinPersId: PushNew(_persistentLoad(Pop())); break;
            case PickleOpcode.Reduce: Call(); break;
            case PickleOpcode.NewObj: Call(); break;
            case PickleOpcode.NewObjEx: CallWithKeywords(); break;
            case PickleOpcode.Build: BuildState(); break;
            case PickleOpcode.Frame: SkipFrameHeader(); break;
            case PickleOpcode.Inst: Global(ReadLine(), ReadLine()); return false;
            default: return false;
        }

        return true;
    }

    private void Push(object? value)
    {
        if (_stack.Count == MaxStack) throw RefuseLimit($"puts more than {MaxStack} values on its stack");
        _stack.Add(value);
    }

    /// <summary>Pushes a value that was made for it, and charges what it takes. A value is at most as large as others that were paid for.</summary>
    private void PushNew(object? value)
    {
        Charge(MemorySize.Of(value));
        Push(value);
    }

    private void Mark()
    {
        if (_marks.Count == MaxStack) throw RefuseLimit($"opens more than {MaxStack} groups");
        _marks.Add(_stack.Count);
    }

    private void Charge(long bytes)
    {
        _memoryTaken += bytes;
        if (_memoryTaken > MemoryForFree + MemoryPerByte * BytesSoFar) throw RefuseLimit("describes more values than a file of its length needs");
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

    private void Gather(PickleContainer container, int first)
    {
        container.Add(From(first));
        Truncate(first);
        PushNew(container);
    }

    private void AddTo<T>(int first)
        where T : PickleContainer
    {
        var items = From(first);
        if (first == Floor || _stack[first - 1] is not T container || container is PickleSequence { IsTuple: true })
        {
            throw Refuse("adds items to what does not take them");
        }

        if (container is PickleDictionary && items.Length % 2 != 0) throw Refuse("sets a key without a value");
        // Twice: a container that grows doubles.
        Charge(2L * MemorySize.PerItem * items.Length);
        container.Add(items);
        Truncate(first);
    }

    private object? Recall(long index) => index < _memo.Length && _memo[index] is { } value ? value : throw Refuse($"recalls {index}, which it never memoized");

    private void Memoize(long index)
    {
        if (index > _memoized + MaxMemoGap) throw RefuseLimit($"memoizes at {index}, far beyond the {_memoized} values memoized so far");
        if (index >= _memo.Length)
        {
            var length = (int)Math.Max(index + 1, 2L * _memo.Length);
            Charge(MemorySize.PerItem * (long)(length - _memo.Length));
            Array.Resize(ref _memo, length);
        }

        if (_memo[index] is null) _memoized++;
        _memo[index] = Peek() ?? throw Refuse("memoizes None");
    }

    private void StackGlobal()
    {
        if (Pop() is not string name || Pop() is not string module) throw Refuse("names a global by something other than strings");
        Push(Global(module, name));
    }

    private PickleGlobal Global(string module, string name) => AllowList.Find(module, name)
        ?? throw new CheckpointException(CheckpointError.ForbiddenGlobal, _path, AllowList.Refusal(module, name, NamesModuleClass()));

    /// <summary>Before 1.6, the class of a pickled module stood in a persistent id of its own: ('module', class, file, source).</summary>
    private bool NamesModuleClass() => _stack.Count == Floor + 1 && _stack[^1] is "module";

    private void Call()
    {
        if (Pop() is not PickleSequence { IsTuple: true } arguments || Pop() is not PickleGlobal callee) throw Refuse("calls what is no function");
        PushNew(TorchCalls.Call(callee, arguments) ?? throw Refuse($"calls {callee.Name} with arguments that it does not take"));
    }

    private void CallWithKeywords()
    {
        if (Pop() is not PickleDictionary { Items.Length: 0 }) throw Refuse("calls with named arguments, which nothing on the allow-list takes");
        Call();
    }

    private void BuildState()
    {
        Pop();
        // A dictionary's attributes (a state dict's _metadata) say nothing about tensors; a tensor's state would replace its contents.
        if (Peek() is not PickleDictionary) throw Refuse("sets the state of what has none");
    }

    private CheckpointException Refuse(string problem, CheckpointError error = CheckpointError.Malformed) =>
        new(error, _path, $"the pickle {problem} (at byte {_input.Position})");

    private CheckpointException RefuseLimit(string problem) => new(CheckpointError.LimitExceeded, _path, $"the pickle {problem}");
}
