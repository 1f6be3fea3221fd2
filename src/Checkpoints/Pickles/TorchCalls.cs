using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;

namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// What the functions and classes of the <see cref="AllowList"/> make of their arguments: a reading of the arguments, not a call of anything.
/// Source of the signatures: torch/_utils.py and torch/_tensor.py of PyTorch 2.6.
/// </summary>
internal static class TorchCalls
{
    /// <summary>The value, or null if the arguments are not such as the function takes.</summary>
    public static object? Call(PickleGlobal callee, PickleSequence arguments)
    {
        var args = arguments.Items;
        return callee.Kind switch
        {
            PickleGlobalKind.OrderedDict or PickleGlobalKind.Counter => Dictionary(args),
            PickleGlobalKind.Set => args is [] or [PickleSequence] ? SetOf(args) : null,
            PickleGlobalKind.Size => args is [PickleSequence sizes] ? sizes : null,
            PickleGlobalKind.Bytes => args is [string text, "latin1"] ? Encoding.Latin1.GetBytes(text) : null,
            PickleGlobalKind.ByteArray => args is [] ? Array.Empty<byte>() : args is [byte[] bytes] ? bytes : null,
            PickleGlobalKind.Complex => args is [double real, double imaginary] ? Complex(real, imaginary) : null,
            PickleGlobalKind.Device => args is [string type] ? type : args is [string kind, long index] ? $"{kind}:{index}" : null,
            PickleGlobalKind.Layout => args is [string layout] ? layout : null,
            PickleGlobalKind.Parameter or PickleGlobalKind.RebuildParameter => Parameter(args),
            PickleGlobalKind.RebuildTensor => args is [StorageReference storage, ..] ? Tensor(storage, storage.DType, args[1..]) : null,
            PickleGlobalKind.RebuildTensorV2 => TensorV2(args),
            PickleGlobalKind.RebuildTensorV3 => TensorV3(args),
            PickleGlobalKind.RebuildFromType => FromType(args),
            PickleGlobalKind.RebuildFromCpuTensor => FromCpuTensor(args),
            PickleGlobalKind.RebuildQuantized => new RefusedTensor("is quantized: save tensor.dequantize() instead"),
            PickleGlobalKind.RebuildSparse => new RefusedTensor("is sparse: save tensor.to_dense() instead"),
            PickleGlobalKind.RebuildNested => new RefusedTensor("is a nested tensor: save its parts (tensor.unbind()) instead"),
            PickleGlobalKind.RebuildMeta => new RefusedTensor("was saved from the meta device and has no contents: save the loaded model instead"),
            PickleGlobalKind.RebuildWrapperSubclass => new RefusedTensor("is a wrapper around other tensors and has no contents of its own: unwrap it first"),
            PickleGlobalKind.RebuildFromNumpy => new RefusedTensor("was saved as a NumPy array: move it to the CPU before saving"),
            _ => null,
        };
    }

    private static PickleDictionary? Dictionary(ReadOnlySpan<object?> args)
    {
        var dictionary = new PickleDictionary();
        if (args is []) return dictionary;
        if (args is [PickleDictionary source]) dictionary.Add(source.Items);
        // OrderedDict([(key, value), …]), as Python 2 wrote it.
        else if (args is [PickleSequence pairs])
        {
            foreach (var item in pairs.Items)
            {
                if (item is not PickleSequence { Length: 2 } pair) return null;
                dictionary.Add(pair.Items);
            }
        }
        else return null;

        return dictionary;
    }

    private static PickleSet SetOf(ReadOnlySpan<object?> args)
    {
        var set = new PickleSet();
        if (args is [PickleSequence items]) set.Add(items.Items);
        return set;
    }

    private static string Complex(double real, double imaginary) =>
        $"({PythonText.PrintFloat(real)}{(double.IsNegative(imaginary) ? "" : "+")}{PythonText.PrintFloat(imaginary)}j)";

    private static object? Parameter(ReadOnlySpan<object?> args) => args switch
    {
        [TensorValue or RefusedTensor, ..] => args[0],
        _ => null,
    };

    private static object? TensorV2(ReadOnlySpan<object?> args) => args is [StorageReference storage, _, _, _, _, _, ..] and { Length: <= 7 }
        ? RefuseLazy(args[6..]) ?? Tensor(storage, storage.DType, args.Slice(1, 3))
        : null;

    private static object? TensorV3(ReadOnlySpan<object?> args) =>
        args is [StorageReference storage, _, _, _, _, _, PickleGlobal { Kind: PickleGlobalKind.DType } dtype, ..] and { Length: <= 8 }
            ? RefuseLazy(args[7..]) ?? Tensor(storage, dtype.DType, args.Slice(1, 3))
            : null;

    /// <summary>The metadata says that the bytes are to be conjugated or negated on use: as they are, they are not the tensor.</summary>
    private static RefusedTensor? RefuseLazy(ReadOnlySpan<object?> metadata) =>
        metadata is [PickleDictionary { Items.Length: > 0 }]
            ? new RefusedTensor("is a lazy conjugate or negation: save tensor.resolve_conj().resolve_neg() instead")
            : null;

    private static object? Tensor(StorageReference storage, DType? dtype, ReadOnlySpan<object?> args)
    {
        if (dtype is null || storage.DType is null) return new RefusedTensor($"is quantized ({storage.Class.Name}): save tensor.dequantize() instead");
        return args is [long offset, PickleSequence shape, PickleSequence strides] && Numbers(shape) is { } sizes && Numbers(strides) is { } steps
            ? new TensorValue(storage, dtype, offset, sizes, steps)
            : null;
    }

    private static ImmutableArray<long>? Numbers(PickleSequence sequence)
    {
        if (sequence.Length == 0) return [];
        var numbers = new long[sequence.Length];
        for (var i = 0; i < numbers.Length; i++)
        {
            if (sequence.Items[i] is not long number) return null;
            numbers[i] = number;
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(numbers);
    }

    private static object? FromType(ReadOnlySpan<object?> args) =>
        args is [PickleGlobal { Kind: not PickleGlobalKind.RebuildFromType } rebuild, PickleGlobal type, PickleSequence inner, _]
        && type.Kind is PickleGlobalKind.TensorClass or PickleGlobalKind.Parameter
            ? Call(rebuild, inner)
            : null;

    private static object? FromCpuTensor(ReadOnlySpan<object?> args) => args switch
    {
        [TensorValue tensor, PickleGlobal { Kind: PickleGlobalKind.DType } dtype, _, _] when dtype.DType == tensor.DType => tensor,
        [TensorValue, PickleGlobal { Kind: PickleGlobalKind.DType }, _, _] => new RefusedTensor("is to be converted on loading: save tensor.cpu() instead"),
        _ => null,
    };
}
