namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// What a pickle makes of a class or function that is not on the <see cref="AllowList"/>: its name, its arguments, and all that is put into it later.
/// It only stores. Nothing is looked up, called or imported; what it would be in Python is nobody's question here.
/// </summary>
/// <param name="name">The dotted name of the class or function, as in <c>argparse.Namespace</c>.</param>
/// <param name="arguments">What it was called with.</param>
internal sealed class OpaqueValue(string name, PickleTuple arguments)
{
    /// <summary>About what one takes.</summary>
    public const int Bytes = 72;

    public string Name => name;

    /// <summary>Whether it is a member of a class, found by its name: not what a call of it makes.</summary>
    public bool IsMember { get; init; }

    /// <summary>Whether it is a member of an object, which nothing may call.</summary>
    public bool IsBound { get; init; }

    /// <summary>Whether an object has its state from it: Python copied it then, and what comes later is in no object.</summary>
    public bool IsGiven { get; set; }

    /// <summary>Whether its contents were handed over as it was made, as protocols 0 and 1 do.</summary>
    public bool IsReconstructed { get; init; }

    public PickleTuple Arguments => arguments;

    /// <summary>What it was called with by names; null where nothing was.</summary>
    public PickleDictionary? Keywords { get; set; }

    /// <summary>What was appended or added to it; null where nothing was.</summary>
    public PickleList? Items { get; private set; }

    /// <summary>What was set in it by keys; null where nothing was.</summary>
    public PickleDictionary? Pairs { get; private set; }

    /// <summary>The state that it was given, mostly a dictionary of its attributes: one at most. Null where there is none.</summary>
    public PickleList? States { get; private set; }

    /// <summary>Set while a walk is inside.</summary>
    public bool IsEntered { get; set; }

    /// <summary>Whether it has been visited: another visit has to find it wherever it lies.</summary>
    public bool IsVisited { get; set; }

    /// <summary>Whether it is an instance of a class of TorchScript, whose attributes are parameters, buffers and modules alike.</summary>
    public bool IsScripted => ScriptedName.Is(name);

    public PickleList ForItems(Ledger ledger) => Items ??= Charged(new PickleList(), ledger);

    public PickleDictionary ForPairs(Ledger ledger) => Pairs ??= Charged(new PickleDictionary(), ledger);

    public PickleList ForStates(Ledger ledger) => States ??= Charged(new PickleList(), ledger);

    private static T Charged<T>(T container, Ledger ledger)
        where T : GrowingContainer
    {
        ledger.Charge(MemorySize.Of(container));
        return container;
    }

    /// <summary>An attribute by its name, from the dictionaries among the states; null where there is none.</summary>
    /// <param name="attribute">The name.</param>
    /// <param name="ledger">Charged for the look.</param>
    public object? Attribute(string attribute, Ledger ledger)
    {
        if (States is null) return null;
        foreach (var state in States.Run(0))
        {
            ledger.Work(1);
            if (state is PickleDictionary dictionary && dictionary.Find(attribute, ledger) is { } value) return value;
        }

        return null;
    }
}
