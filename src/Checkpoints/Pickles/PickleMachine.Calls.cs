namespace Loadline.Checkpoints.Pickles;

/// <summary>What calls something: data of the allow-list's kinds, or a value that only stores.</summary>
internal sealed partial class PickleMachine
{
    // What is called is told from a hundred others, its arguments are looked at, and a value is made.
    private const int StepsPerCall = 10;

    private void Call()
    {
        var given = Pop();
        if (_context.IsOfTorchScript && Peek() is PickleGlobal { Kind: PickleGlobalKind.Opaque } type)
        {
            CallScripted(type, given);
            return;
        }

        var arguments = given as PickleTuple ?? (_isGuess ? PickleTuple.Empty : throw Refuse("calls with what is no tuple"));
        Construct(Pop(), arguments);
    }

    // TorchScript makes an object of its state, and only a member of an enumeration by a call: with its value, in no tuple.
    private void CallScripted(PickleGlobal type, object? value)
    {
        // Nobody calls a member by more, and each call makes a key of it.
        if (value is not (string { Length: <= PickleContext.MaxNameLength } or long or double)) throw Refuse($"calls {type.Name} with what is no value of an enumeration, which TorchScript does not");
        _ledger.Work(StepsPerCall + ((value as string)?.Length ?? 0) / 4);
        _context.ScriptedUses.AddMember(type.Name, value);
        Pop();
        PushNew(new OpaqueValue(type.Name, new PickleTuple([value])) { IsMember = true });
    }

    private void CallNew()
    {
        var arguments = Pop() as PickleTuple ?? (_isGuess ? PickleTuple.Empty : throw Refuse("calls with what is no tuple"));
        var type = Pop();
        if (_context.IsOfTorchScript) NoteScripted(type, arguments);
        MakeNew(type, arguments);
    }

    // Which libtorch makes when it gets its state: what stands there beside the class it drops.
    private void NoteScripted(object? type, PickleTuple arguments)
    {
        if (type is not PickleGlobal { Kind: PickleGlobalKind.Opaque } scripted || arguments.Count > 0) throw Refuse("makes a new object of what TorchScript makes none of");
        _context.ScriptedUses.AddObject(scripted.Name);
    }

    // cls.__new__ of Python's containers looks at no argument, and what it makes is empty.
    private void MakeNew(object? type, PickleTuple arguments)
    {
        var isContainer = type is PickleGlobal { Kind: PickleGlobalKind.OrderedDict or PickleGlobalKind.DefaultDict or PickleGlobalKind.Counter or PickleGlobalKind.List }
            or PickleGlobal { Name: "builtins.set" or "builtins.bytearray" } || IsDeque(type);
        if (arguments.Count > 0 && isContainer && !_isGuess) throw Refuse("makes a new container of what it does not take");
        Construct(type, arguments);
    }

    private void CallWithKeywords()
    {
        var keywords = Pop() as PickleDictionary ?? (_isGuess ? new PickleDictionary() : throw Refuse("calls with named arguments that are no dictionary"));
        CallNew();
        if (keywords.Count == 0 || _isGuess) return;
        if (Peek() is not OpaqueValue opaque) throw Refuse("calls with named arguments, which nothing on the allow-list takes");
        if (IsDeque(opaque.Name)) throw Refuse("makes a new container of what it does not take");
        // Unpacked at the call.
        keywords.IsGiven = true;
        opaque.Keywords = keywords;
    }

    private void InstantiateFromStack()
    {
        var first = PopMark();
        var items = From(first);
        if (items.IsEmpty) throw Refuse("instantiates nothing");
        var callee = items[0];
        var arguments = TakeTuple(first + 1);
        Truncate(first);
        Construct(callee, arguments);
    }

    private void Instantiate(PickleGlobal callee, int first) => Construct(callee, TakeTuple(first));

    /// <summary>What a call makes: data of the allow-list's kinds, or a value that only stores.</summary>
    private void Construct(object? callee, PickleTuple arguments)
    {
        RefuseGuessedCall(callee);
        _ledger.Work(StepsPerCall);
        if (_context.IsOfTorchScript && arguments.Count > 0 && callee is PickleGlobal { Kind: PickleGlobalKind.OrderedDict })
            throw Refuse("makes a dictionary of arguments, which libtorch passes over");
        switch (callee)
        {
            case PickleGlobal { Kind: PickleGlobalKind.Opaque } global:
                _context.NoteCall(global, arguments.Items);
                if (global.Name == "builtins.tuple") GiveItems(arguments);
                ConstructOpaque(global, arguments);
                break;
            case PickleGlobal { Kind: PickleGlobalKind.Reconstructor }: Reconstruct(arguments); break;
            case PickleGlobal { Kind: PickleGlobalKind.GetAttribute }: PushNew(_context.Attribute(arguments)); break;
            case PickleGlobal global:
                PushNew(TorchCalls.Call(global, arguments, _ledger) ?? Guessed() ?? throw Refuse($"calls {global.Name} with arguments that it does not take"));
                break;
            case OpaqueValue opaque:
                _context.NoteCall(opaque, arguments.Items);
                PushNew(IsDeque(opaque) && !_isGuess ? Deque(opaque.Name, arguments) : new OpaqueValue(opaque.Name, arguments));
                break;
            default:
                PushNew(Guessed() ?? throw Refuse("calls what is no function"));
                break;
        }
    }

    private void ConstructOpaque(PickleGlobal callee, PickleTuple arguments)
    {
        var type = callee.Name.StartsWith("copyreg.", StringComparison.Ordinal) && arguments.Items is [PickleGlobal first, ..] ? first : null;
        if (type is not null) _context.NoteCall(type, arguments.Items[1..]);
        // What makes an object of its first argument, as NEWOBJ does, is not what the object is called.
        switch (callee.Name)
        {
            case "copyreg.__newobj__" or "copyreg.__newobj_ex__" when type is { Kind: PickleGlobalKind.Opaque } && !IsDeque(type): PushNew(new OpaqueValue(type.Name, arguments)); break;
            case "copyreg.__newobj__" when type is not null: MakeNew(type, new PickleTuple(arguments.Items[1..].ToArray())); break;
            case "copyreg.__newobj_ex__" when arguments.Items is [PickleGlobal, PickleTuple unnamed, PickleDictionary { Count: 0 }]: MakeNew(type, unnamed); break;
            case "copyreg.__newobj_ex__" when type is not null: PushNew(Guessed() ?? throw Refuse($"makes a new {type.Name} of what it does not take")); break;
            case "copyreg.__newobj__" or "copyreg.__newobj_ex__" when arguments.Items is [OpaqueValue made, ..] && IsDeque(made) && !_isGuess: throw Refuse("makes a new container of what it does not take");
            case var name when IsDeque(name) && !_isGuess: PushNew(Deque(name, arguments)); break;
            default: PushNew(new OpaqueValue(callee.Name, arguments)); break;
        }
    }

    // It takes its items when it is called, not those that the list gets later.
    private OpaqueValue Deque(string name, PickleTuple arguments)
    {
        if (arguments.Count == 0) return new OpaqueValue(name, arguments);
        var items = new PickleList();
        _ledger.Charge(MemorySize.Of(items) + MemorySize.PerItem * (long)arguments.Count);
        if (arguments.Items[0] is not (PickleTuple or PickleList)) throw Refuse("makes a deque of what is no list");
        var given = (PickleContainer)arguments.Items[0]!;
        for (var run = 0; run < given.RunCount; run++) Fill(items, given.Run(run));
        var deque = new OpaqueValue(name, new PickleTuple([items, .. arguments.Items[1..]]));
        RequireKept(deque);
        return deque;
    }

    /// <summary>A deque lets go of its first items where more are put in than its second argument says: to Python they are not in it.</summary>
    private void RequireKept(OpaqueValue opaque)
    {
        if (!IsDeque(opaque.Name) || opaque.Arguments.Items is not [PickleList first, { } most, ..]) return;
        var count = first.Count + (opaque.Items?.Count ?? 0);
        if (!(most is long kept && count <= kept)) throw Refuse($"puts {count} items into a deque that keeps fewer, which no writer does");
    }

    private static bool IsDeque(object? type) => type switch
    {
        PickleGlobal global => IsDeque(global.Name),
        OpaqueValue { IsMember: true } member => IsDeque(member.Name),
        _ => false,
    };

    // By whatever module: many have it from another. In capitals it may be a class of the user's own.
    private static bool IsDeque(string name) =>
        name.EndsWith(".deque", StringComparison.Ordinal) || name is "typing.Deque" or "typing_extensions.Deque" or "typing_extensions.typing.Deque";

    // Protocols 0 and 1 make objects by a call that names the class: (class, base, the base's contents).
    private void Reconstruct(PickleTuple arguments)
    {
        if (arguments.Items is not [PickleGlobal made, var basis, var contents])
        {
            PushNew(Guessed() ?? throw Refuse("reconstructs what is no class"));
            return;
        }

        // Python calls the base with the contents.
        _context.NoteCall(made, []);
        if (basis is PickleGlobal { Kind: PickleGlobalKind.Opaque } from) _context.NoteCall(from, contents is null ? [] : arguments.Items[2..]);
        // Of a dictionary that is made so Python lists nothing; and what is on the list has a way of its own to be written.
        if ((made.Kind != PickleGlobalKind.Opaque || IsDeque(made.Name)) && !_isGuess) throw Refuse($"reconstructs {made.Name} of what it does not take");
        GiveItems(arguments);
        PushNew(new OpaqueValue(made.Name, contents is null ? PickleTuple.Empty : arguments) { IsReconstructed = contents is not null });
    }
}
