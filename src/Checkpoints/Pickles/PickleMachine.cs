using System.Runtime.InteropServices;

namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// Reads a pickle of protocol 2 to 5 as data. It knows the opcodes that build plain values, and calls only to <see cref="TorchCalls"/>, for globals
/// of the <see cref="AllowList"/>; no type is looked up, nothing is instantiated by name, nothing runs.
/// </summary>
/// <remarks>
/// Memory is bounded by the pickle's length: containers are counted, memo indexes are limited to the bytes read so far, lengths are checked against the
/// bytes that are left before anything is allocated. The machine is a loop, so that no nesting exhausts the thread's stack.
/// </remarks>
internal sealed partial class PickleMachine
{
    // One byte makes a container, which takes 32: without a limit a pickle would grow fiftyfold. In the protocol that torch.save writes, a container
    // and its memo entry take at least 6 bytes.
    private const int ContainersForFree = 1 << 20;

    // Python writes lists and dictionaries in batches of 1000; only a tuple puts more on the stack at once.
    private const int MaxStack = 1 << 20;

    private readonly PickleInput _input;
    private readonly long _start;
    private readonly string _path;
    private readonly Func<object?, object?> _persistentLoad;
    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = [];
    private object?[] _memo = new object?[64];
    private int _memoized;
    private int _containers;

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
        if (Next() != (byte)PickleOpcode.Proto || Next() is not (>= 2 and <= 5) and var protocol)
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
            case PickleOpcode.Mark: _marks.Push(_stack.Count); break;
            case PickleOpcode.Pop: PopOrUnmark(); break;
            case PickleOpcode.PopMark: Truncate(PopMark()); break;
            case PickleOpcode.Dup: Push(Peek()); break;
            case PickleOpcode.EmptyList: Push(Allocate(new PickleSequence(isTuple: false))); break;
            case PickleOpcode.EmptyDict: Push(Allocate(new PickleDictionary())); break;
            case PickleOpcode.EmptySet: Push(Allocate(new PickleSet())); break;
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
            case PickleOpcode.BinPersId: Push(_persistentLoad(Pop())); break;
            case PickleOpcode.Reduce: Call(); break;
            case PickleOpcode.NewObj: Call(); break;
            case PickleOpcode.NewObjEx: CallWithKeywords(); break;
            case PickleOpcode.Build: BuildState(); break;
            case PickleOpcode.Frame: SkipFrameHeader(); break;
            default: return false;
        }

        return true;
    }

    private void Push(object? value)
    {
        if (_stack.Count == MaxStack) throw RefuseLimit($"puts more than {MaxStack} values on its stack");
        _stack.Add(value);
    }

    /// <summary>The stack's values belong to the innermost mark: no opcode but those that end it may reach below.</summary>
    private int Floor => _marks.TryPeek(out var mark) ? mark : 0;

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

    private int PopMark() => _marks.TryPop(out var mark) ? mark : throw Refuse("ends a group that never began");

    private void Truncate(int count) => CollectionsMarshal.SetCount(_stack, count);

    private ReadOnlySpan<object?> From(int first) =>
        first >= Floor ? CollectionsMarshal.AsSpan(_stack)[first..] : throw Refuse("takes more values than the stack holds");

    private T Allocate<T>(T container)
        where T : PickleContainer
    {
        if (_containers++ > ContainersForFree + BytesSoFar / 6) throw RefuseLimit("makes more lists, tuples and dictionaries than a file of its length needs");
        return container;
    }

    private void Gather(PickleContainer container, int first)
    {
        Allocate(container).Add(From(first));
        Truncate(first);
        Push(container);
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
        container.Add(items);
        Truncate(first);
    }

    private object? Recall(long index) => index < _memo.Length && _memo[index] is { } value ? value : throw Refuse($"recalls {index}, which it never memoized");

    private void Memoize(long index)
    {
        // Honest indexes count up from 0, so that they are below the number of opcodes so far.
        if (index > BytesSoFar) throw RefuseLimit($"memoizes at {index}, far beyond what {BytesSoFar} bytes can use");
        if (index >= _memo.Length) Array.Resize(ref _memo, (int)Math.Max(index + 1, 2L * _memo.Length));
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
        var result = TorchCalls.Call(callee, arguments) ?? throw Refuse($"calls {callee.Name} with arguments that it does not take");
        Push(result is PickleContainer made ? Allocate(made) : result);
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
