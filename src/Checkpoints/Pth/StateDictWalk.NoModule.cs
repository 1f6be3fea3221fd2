using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Pth;

/// <summary>What is no module here and may be one in Python: its attributes come out of what is no dictionary.</summary>
internal sealed partial class StateDictWalk
{
    // A list of pairs in what a class makes a dictionary of, which may hold another.
    private const int DeepestPairs = 8;

    // A module takes its attributes from whatever is like a dictionary: pairs, or an object of a class that is one. No writer has them so, and which class takes them, nobody
    // knows here.
    private void RequireNoModule(OpaqueValue opaque)
    {
        if (opaque.States is not { Count: > 0 } states) return;
        if (states.Run(0)[0] is not PickleDictionary and var state && HoldsParameters(state, 0)) throw Malformed("has an object whose state has _parameters, and is no dictionary");
    }

    // Also in its own state, as a UserDict has it; but of what lies in a tuple, as of what functools.partial calls, the state is no part of this one.
    private bool HoldsParameters(object? value, int depth, bool isInTuple = false)
    {
        if (depth > DeepestPairs) return false;
        switch (value)
        {
            case OpaqueValue made:
                ledger.Work(1);
                return HoldsParameters(made.Pairs, depth + 1, isInTuple) || HoldsParameters(made.Items, depth + 1, isInTuple)
                    || HoldsParameters(made.Keywords, depth + 1, isInTuple) || HasParameters(made.Arguments, depth + 1, isInTuple)
                    || (!isInTuple && (IsModule(made) ? HasOtherParameters(made, depth + 1) : HoldsParameters(made.States, depth + 1)));
            case NumpyArray array: return (array.Filled ?? array).Objects is { } objects && HasParameters(objects, depth + 1, isInTuple);
            case PickleContainer container: return HasParameters(container, depth, isInTuple || container is PickleTuple);
            default: return false;
        }
    }

    // A module in a list has its own, and lends them to nobody.
    private bool HasOtherParameters(OpaqueValue module, int depth)
    {
        foreach (var state in module.States!.Run(0))
        {
            if (state is not PickleDictionary attributes) continue;
            for (var run = 0; run < attributes.RunCount; run++)
            {
                var items = attributes.Run(run);
                ledger.Work(1 + (long)Ledger.StepsPerLook * items.Length);
                for (var i = 0; i < items.Length; i += 2)
                {
                    if (items[i] is not ("_parameters" or "_buffers" or "_modules") && HoldsParameters(items[i + 1], depth + 1)) return true;
                }
            }
        }

        return false;
    }

    private bool HasParameters(PickleContainer container, int depth, bool isInTuple)
    {
        for (var run = 0; run < container.RunCount; run++)
        {
            var items = container.Run(run);
            ledger.Work(1 + (long)Ledger.StepsPerLook * items.Length);
            foreach (var item in items)
            {
                if (item is "_parameters" || (item is OpaqueValue or PickleContainer or NumpyArray && HoldsParameters(item, depth + 1, isInTuple))) return true;
            }
        }

        return false;
    }
}
