using System.Collections.Immutable;
using System.Text;

namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// What the functions and classes of the <see cref="AllowList"/> make of their arguments: a reading of the arguments, not a call of anything.
/// Source of the signatures: torch/_utils.py and torch/_tensor.py of PyTorch 2.6.
/// </summary>
internal static class TorchCalls
{
    private const int MaxRank = 64;

    // A pair lies anywhere, and what is taken of it is put elsewhere.
    private const int StepsPerPair = 2 * Ledger.StepsPerLook;

    /// <summary>The value, or null if the arguments are not such as the function takes.</summary>
    public static object? Call(PickleGlobal callee, PickleTuple arguments, Ledger ledger)
    {
        var args = arguments.Items;
        return callee.Kind switch
        {
            PickleGlobalKind.OrderedDict => Dictionary(args, ledger),
            // Of a list it counts the items.
            PickleGlobalKind.Counter => args is [] or [PickleDictionary] ? Dictionary(args, ledger) : null,
            // The first argument makes what is missing: a class, or anything.
            PickleGlobalKind.DefaultDict => Dictionary(args is [_, ..] ? args[1..] : args, ledger),
            PickleGlobalKind.List => Collected(new PickleList(), args, ledger),
            PickleGlobalKind.Set => Collected(new PickleSet(), args, ledger),
            PickleGlobalKind.Size => Size(args, ledger),
            PickleGlobalKind.Bytes => args is [string text, "latin1"] ? Latin1(text, ledger) : null,
            PickleGlobalKind.EmptyBytes => args is [] ? Array.Empty<byte>() : args is [byte[] same] ? same : null,
            PickleGlobalKind.ByteArray => ByteArray(args, ledger),
            PickleGlobalKind.Complex => args is [double real, double imaginary] ? new PickleComplex(real, imaginary) : null,
            PickleGlobalKind.Device => args is [string type] ? type : args is [string kind, long index] ? Device(kind, index, ledger) : null,
            PickleGlobalKind.Layout => args is [string layout] ? layout : null,
            PickleGlobalKind.Parameter => args is [] ? new PendingTensor() : Parameter(args, ledger),
            PickleGlobalKind.RebuildParameter => RebuiltParameter(callee, args, ledger),
            PickleGlobalKind.TensorClass => args is [] ? new PendingTensor() : null,
            PickleGlobalKind.RebuildTensor => args is [StorageReference storage, ..] ? Tensor(storage, storage.DType, args[1..]) : null,
            PickleGlobalKind.RebuildTensorV2 => TensorV2(args),
            PickleGlobalKind.RebuildTensorV3 => TensorV3(args),
            PickleGlobalKind.RebuildFromType => FromType(args, ledger),
            PickleGlobalKind.RebuildFromCpuTensor => FromCpuTensor(args),
            PickleGlobalKind.RebuildQuantized => new RefusedTensor("is quantized: save tensor.dequantize() instead"),
            PickleGlobalKind.RebuildSparse => new RefusedTensor("is sparse: save tensor.to_dense() instead"),
            PickleGlobalKind.RebuildNested => new RefusedTensor("is a nested tensor: save its parts (tensor.unbind()) instead"),
            PickleGlobalKind.RebuildMeta => WithoutContents,
            PickleGlobalKind.RebuildWrapperSubclass => Wrapper(args),
            PickleGlobalKind.RebuildFromNumpy => FromNumpy(args, ledger),
            PickleGlobalKind.ScriptedValue => args is [var value, ..] ? value ?? new OpaqueValue("None", PickleTuple.Empty) : null,
            PickleGlobalKind.NumpyReconstruct => args is [PickleGlobal, PickleTuple, _] ? new NumpyArray() : null,
            PickleGlobalKind.NumpyFromBuffer => args is [byte[] buffer, NumpyDType dtype, PickleTuple shape, "C" or "F"]
                ? NumpyArray.Of(shape, dtype, args[3] is "F", buffer, ledger)
                : null,
            PickleGlobalKind.NumpyScalar => NumpyScalar(args, ledger),
            PickleGlobalKind.NumpyDType => args is [string { Length: <= 64 } code, ..] ? NumpyDType.Of(code, isCopy: args is [_, _, true or 1L])
                // A record's.
                : args is [PickleGlobal, ..] ? new NumpyDType(NumpyDType.Unknown, isCopy: true) : null,
            _ => null,
        };
    }

    /// <summary>Gives a value of the allow-list the state that BUILD has for it; false if it does not take it.</summary>
    public static bool SetState(object value, object? state, Ledger ledger)
    {
        switch (value, state)
        {
            case (NumpyArray array, _): return array.SetState(state, ledger);
            // Once: arrays have it already when another one comes, in Python too.
            // Only a copy: NumPy's own, which all arrays share, keep what they are.
            case (NumpyDType { HasState: false, IsCopy: true } type, PickleTuple { Items: [long, string order, ..] }):
                (type.HasState, type.IsBigEndian) = (true, order == ">");
                return true;
            // FloatTensor() of PyTorch before 0.1.11.
            // Once: in Python another one would be another tensor to whoever has it by now.
            case (PendingTensor { Contents: not null }, _): return false;
            case (PendingTensor pending, PickleTuple { Items: [StorageReference storage, _, _, _] items }):
                pending.Contents = Tensor(storage, storage.DType, items[1..]) as PickledTensor;
                ledger.Charge(MemorySize.Of(pending.Contents));
                return pending.Contents is not null;
            // Variable of PyTorch 0.1: contents, gradient, hooks, requires_grad, volatile.
            case (PendingTensor pending, PickleTuple { Items: [PickledTensor contents, _, _, _, _] }):
                pending.Contents = Known(contents);
                return pending.Contents is not null;
            // (requires_grad, volatile, hooks): nothing about the contents.
            case (PickledTensor, PickleTuple { Items: [bool, _, _] }): return true;
            case (RefusedTensor, _): return true;
            default: return false;
        }
    }

    private static PickleDictionary? Dictionary(ReadOnlySpan<object?> args, Ledger ledger)
    {
        var dictionary = new PickleDictionary();
        if (args is []) return dictionary;
        if (args is [PickleDictionary source])
        {
            ledger.Charge(dictionary.BytesFor(source.Count));
            dictionary.AddAll(source);
            return dictionary;
        }

        // OrderedDict([(key, value), …]), as Python 2 wrote it.
        if (args is not [PickleTuple or PickleList]) return null;
        var pairs = (PickleContainer)args[0]!;
        ledger.Work((long)StepsPerPair * pairs.Count);
        for (var run = 0; run < pairs.RunCount; run++)
        {
            foreach (var item in pairs.Run(run))
            {
                var pair = item is PickleTuple or PickleList ? ((PickleContainer)item).Run(0) : default;
                if (pair.Length != 2) return null;
                ledger.Charge(dictionary.BytesFor(2));
                dictionary.Add(pair);
            }
        }

        return dictionary;
    }

    private static GrowingContainer? Collected(GrowingContainer container, ReadOnlySpan<object?> args, Ledger ledger)
    {
        if (args is []) return container;
        // How often a list has what is in a set twice here, Python decides.
        if (args is not [PickleTuple or PickleList or PickleSet] || (args[0] is PickleSet && container is not PickleSet)) return null;
        var items = (PickleContainer)args[0]!;
        ledger.Charge(container.BytesFor(items.Count));
        container.AddAll(items);
        return container;
    }

    /// <summary>The bytes of a text in which each character is one; null where one is none.</summary>
    public static byte[]? Latin1(string text, Ledger ledger)
    {
        ledger.Charge(text.Length);
        return text.AsSpan().ContainsAnyExceptInRange('\0', '\u00ff') ? null : Encoding.Latin1.GetBytes(text);
    }

    private static object? ByteArray(ReadOnlySpan<object?> args, Ledger ledger) => args switch
    {
        [] => Array.Empty<byte>(),
        [byte[] bytes] => bytes,
        // Python before 3.8 at protocol 2.
        [string text, "latin-1" or "latin1"] => Latin1(text, ledger),
        _ => null,
    };

    private static string? Device(string kind, long index, Ledger ledger)
    {
        ledger.Charge(2L * kind.Length);
        return $"{kind}:{index}";
    }

    // (tensor, requires_grad, hooks), or these and its attributes: with another number of them the function fails in PyTorch.
    private static object? RebuiltParameter(PickleGlobal callee, ReadOnlySpan<object?> args, Ledger ledger) =>
        args.Length == (callee.Name.EndsWith("_with_state", StringComparison.Ordinal) ? 4 : 3) ? Parameter(args, ledger) : null;

    private static object? Parameter(ReadOnlySpan<object?> args, Ledger ledger) => args switch
    {
        [PickledTensor parameter, _, _, _] when !AreAttributes(args[3], parameter, ledger) => OtherContents,
        [PickledTensor tensor, ..] => Known(tensor),
        _ => null,
    };

    // What a tensor is at this moment: what is put into it later is not in what was made of it. Null where it is nothing yet.
    private static PickledTensor? Known(PickledTensor tensor) => tensor is PendingTensor pending ? pending.Contents : tensor;

    private static PickleTuple? Size(ReadOnlySpan<object?> args, Ledger ledger)
    {
        if (args is not [PickleTuple or PickleList] || !HasNumbersOnly((PickleContainer)args[0]!, ledger)) return null;
        return args[0] as PickleTuple ?? Copied((PickleList)args[0]!, ledger);
    }

    // Of a tensor it takes the number.
    private static bool HasNumbersOnly(PickleContainer sizes, Ledger ledger)
    {
        ledger.Work((long)Ledger.StepsPerLook * sizes.Count);
        for (var run = 0; run < sizes.RunCount; run++)
        {
            foreach (var size in sizes.Run(run))
            {
                if (size is not long) return false;
            }
        }

        return true;
    }

    private static PickleTuple Copied(PickleList list, Ledger ledger)
    {
        ledger.Charge((long)MemorySize.PerItem * list.Count);
        var items = new object?[list.Count];
        var filled = 0;
        for (var run = 0; run < list.RunCount; run++)
        {
            list.Run(run).CopyTo(items.AsSpan(filled));
            filled += list.Run(run).Length;
        }

        return new PickleTuple(items);
    }

    /// <summary>Whether a tensor's state is what it should be, attributes by their names: a dictionary, or one beside that of <c>__slots__</c>.</summary>
    private static bool AreAttributes(object? state, PickledTensor tensor, Ledger ledger) => state switch
    {
        null => true,
        PickleDictionary attributes => !ChangesContents(attributes, tensor, ledger),
        PickleTuple { Items: [null or PickleDictionary, null or PickleDictionary] pair } => AreAttributes(pair[0], tensor, ledger) && AreAttributes(pair[1], tensor, ledger),
        _ => false,
    };

    // PyTorch sets each as an attribute, and these are the tensor's contents, or what it is. (bitsandbytes' parameters have their own contents once more.)
    private static bool ChangesContents(PickleDictionary attributes, PickledTensor tensor, Ledger ledger)
    {
        ledger.Work(Ledger.StepsPerLook * (long)attributes.Count);
        for (var run = 0; run < attributes.RunCount; run++)
        {
            var items = attributes.Run(run);
            for (var i = 0; i < items.Length; i += 2)
            {
                if (items[i] is not string name || name is "real" or "imag" or "__class__" or "__dict__") return true;
                // A class or a function under any name may stand before a method; dtypes and schemes do not.
                if (items[i + 1] is PickleGlobal { Kind: not (PickleGlobalKind.DType or PickleGlobalKind.QuantizerScheme) } or OpaqueValue { Name: "functools.partial" }) return true;
                // What nobody knows may be called, too: a weak reference is.
                if (items[i + 1] is OpaqueValue && TensorMembers.Has(name)) return true;
                if (name != "data") continue;
                if (items[i + 1] is not TensorValue data || tensor is not TensorValue own) return true;
                ledger.Work(4 + own.Storage.Key.Length / 64 + own.Shape.Length / 8);
                if (!data.HasContentsOf(own)) return true;
            }
        }

        return false;
    }

    private static object? TensorV2(ReadOnlySpan<object?> args) => args is [StorageReference storage, _, _, _, _, _, ..] and { Length: <= 7 }
        ? RefuseLazy(args[6..]) ?? Tensor(storage, storage.DType, args.Slice(1, 3))
        : null;

    private static object? TensorV3(ReadOnlySpan<object?> args) =>
        args is [StorageReference storage, _, _, _, _, _, PickleGlobal { Kind: PickleGlobalKind.DType } dtype, ..] and { Length: <= 8 }
            ? RefuseLazy(args[7..]) ?? Tensor(storage, dtype.DType, args.Slice(1, 3))
            : null;

    /// <summary>The metadata says that the bytes are to be conjugated or negated on use: as they are, they are not the tensor.</summary>
    private static RefusedTensor? RefuseLazy(ReadOnlySpan<object?> metadata) =>
        metadata is [not (null or PickleDictionary { Count: 0 })]
            ? new RefusedTensor("is a lazy conjugate or negation: save tensor.resolve_conj().resolve_neg() instead")
            : null;

    private static object? Tensor(StorageReference storage, DType? dtype, ReadOnlySpan<object?> args)
    {
        if (dtype is null || storage.DType is null) return new RefusedTensor($"is quantized ({storage.Class.Name}): save tensor.dequantize() instead");
        if (args is not [long offset, PickleTuple or PickleList, PickleTuple or PickleList]) return null;
        if (Numbers((PickleContainer)args[1]!) is not { } sizes || Numbers((PickleContainer)args[2]!) is not { } steps) return null;
        return new TensorValue(storage, dtype, offset, sizes, steps);
    }

    /// <summary>The items as numbers; null where one is no number, or there are more than any shape has.</summary>
    public static ImmutableArray<long>? Numbers(PickleContainer sequence)
    {
        if (sequence.Count == 0) return [];
        // One more than is allowed, so that whoever knows the tensor's name says that it is too many.
        if (sequence.Count > MaxRank + 1) return null;
        var numbers = new long[sequence.Count];
        var items = sequence.Run(0);
        for (var i = 0; i < numbers.Length; i++)
        {
            if (items[i] is not long number) return null;
            numbers[i] = number;
        }

        return Shapes.Freeze(numbers);
    }

    // A subclass of Tensor has a tensor's contents, whatever else it is: (function, class, its arguments, state).
    private static object? FromType(ReadOnlySpan<object?> args, Ledger ledger) =>
        // As of a jagged tensor, which several others make.
        args is [PickleGlobal { Kind: PickleGlobalKind.Opaque }, PickleGlobal, PickleTuple, _] ? new RefusedTensor("is made by a function that is not known: save its parts instead")
        : args is not [PickleGlobal { Kind: not PickleGlobalKind.RebuildFromType } rebuild, PickleGlobal, PickleTuple inner, var state]
            || Call(rebuild, inner, ledger) is not PickledTensor made || Known(made) is not { } tensor ? null
        : AreAttributes(state, tensor, ledger) ? tensor
        : OtherContents;

    private static RefusedTensor OtherContents => new("has a state that gives it other contents in PyTorch: save its state_dict() instead");

    private static RefusedTensor Wrapper(ReadOnlySpan<object?> args) => args is [PickleGlobal { Name: "torch.distributed.tensor.DTensor" or "torch.distributed._tensor.api.DTensor" }, ..]
        ? new RefusedTensor("is a DTensor, of which one rank's file holds only a part: save it with torch.distributed.checkpoint, or full_tensor() of it")
        : new RefusedTensor("is a wrapper around other tensors and has no contents of its own: unwrap it first");

    private static RefusedTensor WithoutContents => new("was saved from the meta device and has no contents: save the loaded model instead");

    private static object? FromCpuTensor(ReadOnlySpan<object?> args) => args switch
    {
        [_, _, not string, _] => null,
        [PickledTensor, _, string device, _] when StorageReference.IsMeta(device) => WithoutContents,
        [TensorValue tensor, PickleGlobal { Kind: PickleGlobalKind.DType } dtype, _, _] when dtype.DType == tensor.DType => tensor,
        [PickledTensor, PickleGlobal { Kind: PickleGlobalKind.DType }, _, _] => new RefusedTensor("is to be converted on loading: save tensor.cpu() instead"),
        _ => null,
    };

    private static object? FromNumpy(ReadOnlySpan<object?> args, Ledger ledger)
    {
        if (args is not [NumpyArray array, PickleGlobal { Kind: PickleGlobalKind.DType } dtype, string device, ..]) return null;
        if (StorageReference.IsMeta(device)) return WithoutContents;
        var filled = array.Filled ?? array;
        if (filled.Type?.DType is not { } stored) return null;
        if (stored == dtype.DType) return filled;
        if (stored != DType.Float32 || dtype.DType != DType.BFloat16) return new RefusedTensor("is to be converted on loading: save tensor.cpu() instead");
        return filled.AsBFloat16(ledger);
    }

    private static object? NumpyScalar(ReadOnlySpan<object?> args, Ledger ledger)
    {
        if (args is not [NumpyDType type, _]) return null;
        ledger.Charge(4L * type.ElementBytes);
        var element = args[1] switch { byte[] bytes => bytes, Python2String old => old.Bytes, string text => Latin1(text, ledger), _ => null };
        // A date, a structure, an object: something that is no number stays what it is called.
        if (element is not null && type.Scalar(element) is { } scalar) return scalar;
        var name = "numpy." + type.Code;
        ledger.Charge(MemorySize.OfText(name.Length));
        return new OpaqueValue(name, PickleTuple.Empty);
    }
}
