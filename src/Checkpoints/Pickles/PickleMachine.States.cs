namespace Loadline.Checkpoints.Pickles;

/// <summary>What objects are given: their states, and the arguments that they are made of. Python copies most of it then.</summary>
internal sealed partial class PickleMachine
{
    private void BuildState()
    {
        var state = Pop();
        // A hook's handle has its layer's hooks in its state, and keeps no more than a reference to them.
        if (Peek() is not OpaqueValue { Name: "torch.utils.hooks.RemovableHandle" }) Give(state);
        switch (Peek())
        {
            case OpaqueValue { States: not null }: throw Refuse("gives an object a second state, which no writer does");
            case OpaqueValue { IsMember: true }: throw Refuse("gives a class, or a member of one, a state, which no writer does");
            case OpaqueValue opaque: Fill(opaque.ForStates(_ledger), [state]); break;
            // A dictionary's attributes (a state dict's _metadata) say nothing about tensors, unless they stand before its methods.
            case PickleDictionary when AreOfDictionary(state): break;
            case PickleDictionary: throw Refuse("gives a dictionary attributes that may hide what is in it");
            case PickledTensor or NumpyDType when TorchCalls.SetState(Peek()!, state, _ledger): break;
            case PickledTensor or NumpyDType: throw Refuse("sets a tensor's state to what it does not take");
            default: throw Refuse("sets the state of what has none");
        }
    }

    // A dictionary, one beside that of __slots__, or what NumPy's arrays have in a tuple; or an object of a class that is a dictionary.
    private void Give(object? state)
    {
        if (state is GrowingContainer container) container.IsGiven = true;
        else if (state is OpaqueValue opaque) opaque.IsGiven = true;
        else if (state is PickleTuple tuple)
        {
            // One tuple may be the state of a million.
            GiveItems(tuple);
            if (tuple.Items is [OpaqueValue attributes, _]) attributes.IsGiven = true;
            if (tuple.Items is [_, OpaqueValue slots]) slots.IsGiven = true;
        }
    }

    // Taken at the call, as tuple does. Others keep what they are handed, and an object may well be made of the list that it is put into.
    private void GiveItems(PickleTuple items)
    {
        _ledger.Work(1 + (long)Ledger.StepsPerLook * items.Count);
        foreach (var item in items.Items)
        {
            if (item is GrowingContainer container) container.IsGiven = true;
        }
    }

    // None, a dictionary, or one beside that of __slots__: of anything else PyTorch and Python make attributes, too.
    private bool AreOfDictionary(object? state) => state switch
    {
        null => true,
        PickleDictionary attributes => attributes.HasTextKeys(_ledger) && !Array.Exists(Methods, name => attributes.Find(name, _ledger) is not null),
        PickleTuple { Items: [null or PickleDictionary, null or PickleDictionary] pair } => AreOfDictionary(pair[0]) && AreOfDictionary(pair[1]),
        _ => false,
    };
}
