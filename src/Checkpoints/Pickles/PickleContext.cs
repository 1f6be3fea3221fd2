namespace Loadline.Checkpoints.Pickles;

/// <summary>What all pickles of one file have in common: the ledger, the globals that they name, and those among them that get the file refused.</summary>
/// <param name="path">The file, for errors.</param>
/// <param name="ledger">Charged for every value.</param>
internal sealed class PickleContext(string path, Ledger ledger)
{
    private const int MaxNamed = 12;

    // Of tuples in tuples, among the arguments of a call.
    private const int DeepestPlain = 8;

    // Each value is looked at once more.
    private const int StepsPerNoted = 2;

    // Its two lines become texts, and each is looked up: a quarter of a microsecond.
    private const int StepsPerGlobal = 40;
    private const int HashedPerStep = 8;
    private const int StepsPerPart = 16;

    // One that has not come before is put together, looked for in every list, and kept.
    private const int StepsPerNewGlobal = 100;
    private const int StepsPerNewModule = 50;

    // A dictionary of one name, and its place in that of modules.
    private const int BytesPerModule = 400;

    // Of a class of PyTorch's or of TorchScript's, a few hundred.
    public const int MaxNameLength = 4096;
    private const int MaxHostile = 1000;

    // By module, then by name: a dictionary by pairs has to be compiled when a process first opens a pickle.
    private readonly Dictionary<string, Dictionary<string, PickleGlobal>> _globals = [];
    private readonly List<string> _hostile = [];
    private readonly HashSet<string> _hostileKnown = [];

    /// <summary>Whether libtorch reads the file, in C++: it calls by what comes next what Python calls by value.</summary>
    public bool IsOfTorchScript { get; init; }

    /// <summary>Whether PyTorch itself loads it by <c>pickle.load</c>, without a list: what is called there runs, and may change what stands beside it.</summary>
    public bool IsLoadedByPickle { get; init; }

    /// <summary>What the pickles that libtorch reads make of classes.</summary>
    public ScriptedUses ScriptedUses { get; } = new(ledger);

    public string Path => path;

    public Ledger Ledger => ledger;

    /// <summary>The symbol of a name: one of the allow-list, or an opaque one.</summary>
    /// <exception cref="CheckpointException">The name is longer than any is.</exception>
    public PickleGlobal Global(string module, string name)
    {
        var length = (long)module.Length + name.Length;
        if (length > MaxNameLength)
        {
            throw new CheckpointException(
                CheckpointError.LimitExceeded, path, $"the pickle names a global by {length} characters, more than the limit of {MaxNameLength}");
        }

        ledger.Work(StepsPerGlobal + length / HashedPerStep);
        if (!_globals.TryGetValue(module, out var ofModule))
        {
            ledger.Charge(BytesPerModule + MemorySize.OfText(module.Length));
            ledger.Work(StepsPerNewModule);
            _globals.Add(module, ofModule = []);
        }

        if (ofModule.TryGetValue(name, out var known)) return known;
        var (meantModule, meantName) = OldNames.InPython3(module, name);
        var whole = meantModule + "." + meantName;
        ledger.Charge(200 + MemorySize.OfText(whole.Length) * 3);
        ledger.Work(StepsPerNewGlobal);
        var global = AllowList.Find(whole);
        if (global is null)
        {
            // Of each part of a name is asked what it leads through.
            ledger.Work(StepsPerPart * whole.AsSpan().Count('.'));
            var isHostile = HostileNames.ContainsCall(whole);
            global = new PickleGlobal(whole, PickleGlobalKind.Opaque) { IsHostileToCall = isHostile, IsOnlyToBeCalled = isHostile && MakesFunctions(whole) };
            if (HostileNames.Contains(meantModule, meantName)) AddHostile(whole);
        }

        if (IsOfTorchScript && !IsOfLibtorch(global))
        {
            throw new CheckpointException(
                CheckpointError.Malformed, path, $"is an archive of TorchScript whose pickle names {PrintableText.Escape(whole)}, which none that PyTorch writes does: libtorch would make another tensor of it");
        }

        NamesFunctions |= global.IsOnlyToBeCalled;
        ofModule.Add(name, global);
        return global;
    }

    // What libtorch knows by itself; any other name, builtins.dict among them, it looks for in the archive's own code. What is unknown here is no tensor, or told to be none.
    // Source: Unpickler::readGlobal in torch/csrc/jit/serialization/unpickler.cpp of PyTorch 2.6.
    private static bool IsOfLibtorch(PickleGlobal global) => global.Kind switch
    {
        PickleGlobalKind.Opaque or PickleGlobalKind.ScriptedValue or PickleGlobalKind.Complex or PickleGlobalKind.Device or PickleGlobalKind.StorageClass
            or PickleGlobalKind.QuantizerScheme or PickleGlobalKind.RebuildTensorV2 or PickleGlobalKind.RebuildQuantized or PickleGlobalKind.RebuildSparse => true,
        PickleGlobalKind.OrderedDict => global.Name == "collections.OrderedDict",
        _ => false,
    };

    /// <summary>Notes a call of something that is not on the allow-list.</summary>
    public void NoteCall(PickleGlobal callee, ReadOnlySpan<object?> arguments)
    {
        if (callee.IsHostileToCall || (callee.Name == "builtins.type" && !MakesTypeOfConstant(arguments))) AddHostile(callee.Name);
        else if (IsLoadedByPickle && !MakesOnly(callee.Name)) RequirePlain(callee.Name, arguments);
    }

    // The types of None, NotImplemented and Ellipsis are written so. Of another value, its class could be changed; of three, one is made.
    private static bool MakesTypeOfConstant(ReadOnlySpan<object?> arguments) =>
        arguments is [null or PickleGlobal { Name: "builtins.NotImplemented" or "builtins.Ellipsis" }];

    // Of Python's own only types get as far as here; what copyreg makes is asked for by its class.
    private static bool MakesOnly(string name) => name is "copyreg.__newobj__" or "copyreg.__newobj_ex__" || name.StartsWith("builtins.", StringComparison.Ordinal);

    // What has neither a container nor an object nor a class to work on changes none.
    private void RequirePlain(string name, ReadOnlySpan<object?> arguments, int depth = 0)
    {
        ledger.Work(1 + arguments.Length);
        foreach (var argument in arguments)
        {
            if (argument is PickleTuple tuple && depth < DeepestPlain) RequirePlain(name, tuple.Items, depth + 1);
            else if (argument is not (null or bool or long or double or string or byte[] or System.Numerics.BigInteger))
            {
                throw new CheckpointException(
                    CheckpointError.Malformed, path, $"the pickle calls {PrintableText.Shorten(name, 60)} with what it could change, which no writer of this format does: PyTorch would run it");
            }
        }
    }

    /// <summary>Whether something was named that must not stand among data.</summary>
    public bool NamesFunctions { get; private set; }

    /// <summary>Notes values that another program would hand to whatever calls them: <c>getattr</c>, and what makes functions.</summary>
    public void NoteValues(ReadOnlySpan<object?> values)
    {
        ledger.Work(StepsPerNoted * (long)values.Length);
        // What makes an empty array of a class; its contents are the state.
        if (values is [PickleGlobal { Name: "numpy.memmap" or "numpy.core.memmap.memmap" or "numpy._core.memmap.memmap" }, PickleTuple, byte[] or string]) return;
        foreach (var value in values)
        {
            if (value is PickleGlobal { IsOnlyToBeCalled: true } global) AddHostile(global.Name);
        }
    }

    /// <summary>What <c>getattr</c> of these arguments stands for: the value of a member.</summary>
    /// <remarks>Python 3.11 writes members of enumerations so, of a class (python/cpython#88508), and every version the methods of an object.</remarks>
    public OpaqueValue Attribute(PickleTuple arguments)
    {
        if (arguments.Items is not [PickleGlobal { Kind: not PickleGlobalKind.GetAttribute } or OpaqueValue, string member])
        {
            AddHostile("builtins.getattr");
            return new OpaqueValue("builtins.getattr", arguments);
        }

        var owner = (arguments.Items[0] as PickleGlobal)?.Name ?? ((OpaqueValue)arguments.Items[0]!).Name;
        var (dot, whole) = (owner.LastIndexOf('.'), owner + "." + member);
        ledger.Work(StepsPerGlobal + whole.Length / HashedPerStep + StepsPerPart * whole.AsSpan().Count('.'));
        ledger.Charge(MemorySize.OfText(whole.Length));
        if (whole.Length > MaxNameLength || member.Contains("__", StringComparison.Ordinal)
            || HostileNames.Contains(owner[..Math.Max(dot, 0)], whole[(dot + 1)..]) || HostileNames.ContainsCall(whole + ".")) AddHostile(whole);
        return new OpaqueValue(whole, PickleTuple.Empty) { IsMember = true, IsBound = arguments.Items[0] is OpaqueValue };
    }

    // operator.lt is harmless where nobody calls it; what makes functions is not, in the hands of what calls its arguments.
    private static bool MakesFunctions(string name) => name[(name.LastIndexOf('.') + 1)..] is "attrgetter" or "itemgetter" or "methodcaller" or "call" or "memmap" or "cmp_to_key"
        or "_itemgetter" or "_tuplegetter" or "partialmethod" or "singledispatch";

    /// <summary>Notes a call of what a call made, which is no class.</summary>
    public void NoteCall(OpaqueValue callee, ReadOnlySpan<object?> arguments)
    {
        if (IsLoadedByPickle) RequirePlain(callee.Name, arguments);
        if (callee.IsBound || callee.Name.EndsWith(".partial", StringComparison.Ordinal)) AddHostile(callee.Name);
    }

    /// <summary>Whether the file is to be refused for what it names.</summary>
    public bool IsHostile => _hostile.Count > 0;

    /// <summary>Refuses a file that named anything of <see cref="HostileNames"/>, once all that it names is known.</summary>
    /// <exception cref="CheckpointException">It did; the message has all the names.</exception>
    public void RefuseHostile()
    {
        if (IsHostile) throw HostileRefusal();
    }

    public CheckpointException HostileRefusal()
    {
        var more = _hostile.Count > MaxNamed ? $" and {_hostile.Count - MaxNamed} more" : "";
        var names = string.Join(", ", _hostile.Take(MaxNamed).Select(name => PrintableText.Shorten(name, 60)));
        return new CheckpointException(
            CheckpointError.ForbiddenGlobal, path,
            $"the pickle names {names}{more}, which no checkpoint needs: nothing of the file was run here, but another program might run it; do not trust it");
    }

    private void AddHostile(string name)
    {
        ledger.Work(1 + name.Length / HashedPerStep);
        if (_hostile.Count < MaxHostile && _hostileKnown.Add(name)) _hostile.Add(name);
    }
}
