using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Loadline.Checkpoints;

/// <summary>Arithmetic on shapes and strides, both counted in elements, outermost dimension first, as PyTorch does.</summary>
public static class Shapes
{
    // Half of a model's tensors are vectors.
    private static readonly ImmutableArray<long> OneStep = Freeze([1]);

    /// <summary>The number of elements: 1 for a scalar's empty shape.</summary>
    /// <exception cref="OverflowException">The product does not fit 63 bits.</exception>
    public static long ElementCount(ReadOnlySpan<long> shape)
    {
        // A zero anywhere makes the tensor empty, whatever the other dimensions would multiply to.
        if (IsEmpty(shape)) return 0;
        long count = 1;
        foreach (var size in shape) count = checked(count * size);
        return count;
    }

    /// <summary>The strides of a row-major tensor without gaps.</summary>
    /// <exception cref="OverflowException">A stride does not fit 63 bits, and the tensor is not empty.</exception>
    public static ImmutableArray<long> ContiguousStrides(ReadOnlySpan<long> shape)
    {
        if (shape.Length <= 1) return shape.IsEmpty ? [] : OneStep;
        var strides = new long[shape.Length];
        long stride = 1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            var size = Math.Max(shape[i], 1);
            // An empty tensor may have other dimensions of any size; its strides do not matter.
            // Not a division, of which a million tensors of many dimensions have many.
            if (Math.BigMul(stride, size, out var product) == 0 && product >= 0) stride = product;
            else if (!IsEmpty(shape)) throw new OverflowException("a stride does not fit 63 bits");
        }

        return Freeze(strides);
    }

    /// <summary>Whether elements lie row-major without gaps. Strides of dimensions of size 1 do not matter, nor any stride of an empty tensor.</summary>
    public static bool IsContiguous(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides)
    {
        if (IsEmpty(shape)) return true;
        long expected = 1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != expected) return false;
            expected *= shape[i];
        }

        return true;
    }

    /// <summary>How many elements of the storage a view reaches, counted from its first: Σ(size−1)·stride + 1, or 0 for an empty tensor.</summary>
    /// <exception cref="OverflowException">The reach does not fit 63 bits.</exception>
    public static long Reach(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides)
    {
        if (IsEmpty(shape)) return 0;
        long last = 0;
        for (var i = 0; i < shape.Length; i++) last = checked(last + checked((shape[i] - 1) * strides[i]));
        return checked(last + 1);
    }

    /// <summary>An array as an immutable one, which nobody may write to from here on.</summary>
    /// <remarks>
    /// SAFETY: an <see cref="ImmutableArray{T}"/> is a struct of one field, the array. <see cref="ImmutableCollectionsMarshal"/> says the same, but of numbers
    /// of this size nobody has its methods compiled, and the first load of a process would wait for the compiler.
    /// </remarks>
    internal static ImmutableArray<long> Freeze(long[] array) => Unsafe.As<long[], ImmutableArray<long>>(ref array);

    /// <inheritdoc cref="Freeze"/>
    internal static ReadOnlySpan<long> Span(ImmutableArray<long> array) => Unsafe.As<ImmutableArray<long>, long[]?>(ref array);

    // Not Span.Contains, for the same reason.
    private static bool IsEmpty(ReadOnlySpan<long> shape)
    {
        foreach (var size in shape)
        {
            if (size == 0) return true;
        }

        return false;
    }

    /// <summary>"[1024, 1024]", and "[]" for a scalar.</summary>
    public static string Format(ReadOnlySpan<long> shape)
    {
        var text = new StringBuilder("[");
        foreach (var size in shape) text.Append(text.Length > 1 ? ", " : "").Append(size);
        return text.Append(']').ToString();
    }
}
