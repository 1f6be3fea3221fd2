using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Pth;

/// <summary>Modules, and whatever else a pickle holds that is not on the allow-list.</summary>
internal sealed partial class StateDictWalk
{
    // Of a class of TorchScript's each letter is looked at.
    private const int NamePerStep = 3;

    // What the state_dict() of a module asks the modules in it for. Source: torch/nn/modules/module.py.
    private static readonly string[] ModuleMethods = ["state_dict", "_save_to_state_dict"];

    private void VisitOpaque(OpaqueValue opaque, int depth)
    {
        if (opaque.IsEntered)
        {
            Note("(contains itself)");
            return;
        }

        ledger.Work((opaque.IsVisited ? StepsPerVisit : 0) + opaque.Name.Length / NamePerStep);
        opaque.IsEntered = opaque.IsVisited = true;
        if (HasCode && !opaque.IsScripted) AddUnloadable("is of a class that is not TorchScript's, whose code may make its tensors: save its state_dict() instead", new Place(null, null, 0));
        else if (!HasCode && IsModule(opaque))
        {
            NoteClass($"a pickled module of {opaque.Name}");
            var outer = _module;
            _module ??= opaque;
            VisitModule(opaque, Deeper(depth));
            _module = outer;
        }
        else if (opaque.IsScripted) VisitScripted(opaque, Deeper(depth));
        else
        {
            RequireNoModule(opaque);
            VisitParts(opaque, Deeper(depth));
        }

        opaque.IsEntered = false;
    }

    // What has the attributes of one, and is known to be none, has no state_dict.
    private bool IsModule(OpaqueValue opaque)
    {
        if (opaque.Name is "argparse.Namespace" or "types.SimpleNamespace" or "builtins.object") return false;
        if (opaque.Attribute("_parameters", ledger) is not { } parameters || opaque.Attribute("_modules", ledger) is not { } modules) return false;
        // What a function made of them, or a name stands for, may be dictionaries, of which nobody knows what is in them.
        return (parameters, modules) is (PickleDictionary or OpaqueValue or PickleGlobal, PickleDictionary or OpaqueValue or PickleGlobal);
    }

    /// <summary>As <c>torch.nn.Module.state_dict</c> does: its parameters, its persistent buffers, and then its modules.</summary>
    private void VisitModule(OpaqueValue module, int depth)
    {
        RequireAttributes(module);
        // Containers of modules make other modules of them.
        if (module.Pairs is { Count: > 0 } || module.Items is { Count: > 0 }) throw Malformed("has a module with items beside its state, which no writer adds");
        VisitTensors(DictionaryOf(module, "_parameters"), null, depth);
        VisitTensors(DictionaryOf(module, "_buffers"), NonPersistent(module), depth);
        if (DictionaryOf(module, "_modules") is not { } modules) return;
        RequireDistinctKeys(modules);
        for (var run = 0; run < modules.RunCount; run++)
        {
            var items = modules.Run(run);
            for (var i = 0; i < items.Length; i += 2) VisitSubmodule(modules, items[i], items[i + 1], depth);
        }
    }

    // Whoever asks the module for its state_dict gets what stands before the class's own method, and of two attributes that are one to Python the last.
    private void RequireAttributes(OpaqueValue module)
    {
        foreach (var state in module.States!.Run(0))
        {
            if (state is not PickleDictionary attributes) continue;
            if (!attributes.HasTextKeys(ledger)) throw Malformed("has a module with an attribute that is called by no text");
            RequireDistinctKeys(attributes);
            ledger.Work(ModuleMethods.Length);
            if (Array.Find(ModuleMethods, name => attributes.Find(name, ledger) is PickleGlobal or OpaqueValue) is { } method)
                throw Malformed($"has a module whose attribute {method} stands before its method");
        }
    }

    private PickleDictionary? DictionaryOf(OpaqueValue module, string attribute) => module.Attribute(attribute, ledger) switch
    {
        null => null,
        PickleDictionary dictionary => dictionary,
        _ => throw Malformed($"has a module whose {attribute} is no dictionary"),
    };

    // Python asks whether a name is in it: of a text that is a part of one.
    private PickleContainer? NonPersistent(OpaqueValue module) => module.Attribute("_non_persistent_buffers_set", ledger) switch
    {
        null => null,
        PickleContainer names when HasTextsOnly(names) => names,
        _ => throw Malformed("has a module whose _non_persistent_buffers_set is no set of names"),
    };

    private bool HasTextsOnly(PickleContainer names)
    {
        ledger.Work(Ledger.StepsPerLook * (long)names.Count);
        for (var run = 0; run < names.RunCount; run++)
        {
            var items = names.Run(run);
            for (var i = 0; i < items.Length; i += names is PickleDictionary ? 2 : 1)
            {
                if (items[i] is not string) return false;
            }
        }

        return true;
    }

    private CheckpointException Malformed(string problem) => new(CheckpointError.Malformed, path, problem, _name.Length > 0 ? _name.ToString() : null);

    private void VisitSubmodule(PickleDictionary modules, object? key, object? value, int depth)
    {
        ledger.Work(Ledger.StepsPerLook);
        if (value is not OpaqueValue module || module.IsEntered || !IsModule(module))
        {
            if (value is OpaqueValue { IsEntered: false }) VisitMember(modules, key, value, depth);
            return;
        }

        var length = _name.Length;
        if (length > 0) _name.Append('.');
        var text = Key(key);
        if (_name.Length + text.Length > MaxNameLength) throw Limit($"has a name of {_name.Length + text.Length} characters, more than the limit of {MaxNameLength}");
        _name.Append(text);
        ledger.Work(1 + text.Length / 8);
        module.IsEntered = true;
        VisitModule(module, Deeper(depth));
        module.IsEntered = false;
        _name.Length = length;
    }

    private void VisitTensors(PickleDictionary? dictionary, PickleContainer? except, int depth)
    {
        if (dictionary is null) return;
        RequireDistinctKeys(dictionary);
        for (var run = 0; run < dictionary.RunCount; run++)
        {
            var items = dictionary.Run(run);
            for (var i = 0; i < items.Length; i += 2)
            {
                ledger.Work(Ledger.StepsPerLook);
                // What a function made may be a tensor: it is listed as elsewhere.
                if (items[i + 1] is PickledTensor or OpaqueValue { IsEntered: false } && !Holds(except, items[i])) VisitMember(dictionary, items[i], items[i + 1], depth);
            }
        }
    }

    // As Python's "in" does, whatever it is: of a dictionary, the keys.
    private bool Holds(PickleContainer? set, object? key)
    {
        if (set is null || key is not string text) return false;
        ledger.Work(set.Count * ((long)Ledger.StepsPerLook + text.Length / 32));
        for (var run = 0; run < set.RunCount; run++)
        {
            var items = set.Run(run);
            for (var i = 0; i < items.Length; i += set is PickleDictionary ? 2 : 1)
            {
                if (items[i] is string other && other == text) return true;
            }
        }

        return false;
    }

    /// <summary>An object of TorchScript: tensors and modules are attributes like any other, and everything else there is the program's.</summary>
    private void VisitScripted(OpaqueValue scripted, int depth)
    {
        // Looked up in any case, which takes more of what is no ASCII.
        if (HasCode) ledger.Work(scripted.Name.Length);
        if (HasCode && MadeByCode?.Contains(scripted.Name) != false)
        {
            AddUnloadable("makes its tensors by code of its own (__setstate__), as quantized layers do: save the state_dict() of the loaded model instead", new Place(null, null, 0));
            return;
        }

        var notes = _notesValues;
        if (notes && _name.Length == 0) NoteClass($"a TorchScript module, {scripted.Name["__torch__.".Length..]}");
        _notesValues = false;
        // Its state_dict has each name once, too.
        var outer = _module;
        _module ??= scripted;
        VisitStates(scripted, depth);
        (_module, _notesValues) = (outer, notes);
    }

    /// <summary>What is inside of a value that is no module. One with nothing but plain arguments is told in a line.</summary>
    private void VisitParts(OpaqueValue opaque, int depth)
    {
        var isPlain = IsPlain(opaque.Arguments);
        if (isPlain && opaque is { Items: null, Pairs: null, States: null, Keywords: null })
        {
            Note(opaque);
            return;
        }

        NoteClass(opaque.Name);
        if (!isPlain) VisitItems(opaque.Arguments, depth);
        if (opaque.Items is { } items) VisitItems(items, depth);
        if (opaque.Pairs is { } pairs) VisitItems(pairs, depth);
        VisitStates(opaque, depth);
    }

    private bool IsPlain(PickleTuple arguments)
    {
        ledger.Work(Ledger.StepsPerLook * (long)arguments.Count);
        foreach (var argument in arguments.Items)
        {
            if (argument is PickledTensor or PickleContainer { Count: > 0 } or OpaqueValue) return false;
        }

        return true;
    }

    private void VisitStates(OpaqueValue opaque, int depth)
    {
        if (opaque.Keywords is { } keywords) VisitState(keywords, depth);
        if (opaque.States is not { } states) return;
        for (var run = 0; run < states.RunCount; run++)
        {
            foreach (var state in states.Run(run)) VisitState(state, depth);
        }
    }

    // A dictionary holds attributes. A pair of two, or of None and one, holds those of __dict__ and those of __slots__.
    private void VisitState(object? state, int depth)
    {
        ledger.Work(1);
        switch (state)
        {
            case PickleDictionary { IsEntered: false } attributes: VisitContainerInPlace(attributes, depth); break;
            case PickleTuple { Items: [null or PickleDictionary, PickleDictionary { IsEntered: false } slots] } pair:
                if (pair.Items[0] is PickleDictionary { IsEntered: false } first) VisitContainerInPlace(first, depth);
                VisitContainerInPlace(slots, depth);
                break;
            case PickleContainer or OpaqueValue or PickledTensor: VisitMember(null, "state", state, depth); break;
            default: break;
        }
    }

    private void VisitContainerInPlace(PickleContainer container, int depth)
    {
        container.IsEntered = true;
        VisitItems(container, Deeper(depth));
        container.IsEntered = false;
    }
}
