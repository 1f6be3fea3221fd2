using System.Numerics;
using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Strategies;

namespace Loadline.Harness.Making;

/// <summary>
/// Values for a checkpoint that was never trained: distinct and repeatable for a seed, and such that a forward pass stays finite. Zeros would hide
/// a loader that reads from the wrong place.
/// </summary>
internal sealed class SyntheticWeights(ModelSpec model, ulong seed)
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    /// <summary>Fills a buffer with the bytes that a parameter has from an element on. The buffer holds whole elements.</summary>
    /// <exception cref="NotSupportedException">The dtype is not one that models are made in.</exception>
    public void Fill(int parameterIndex, long firstElement, Span<byte> destination)
    {
        var parameter = model.Parameters[parameterIndex];
        if (parameter.DType == DType.Float32) Fill(parameter, parameterIndex, firstElement, MemoryMarshal.Cast<byte, float>(destination), v => v);
        else if (parameter.DType == DType.Float16) Fill(parameter, parameterIndex, firstElement, MemoryMarshal.Cast<byte, Half>(destination), v => (Half)v);
        else if (parameter.DType == DType.BFloat16) Fill(parameter, parameterIndex, firstElement, MemoryMarshal.Cast<byte, ushort>(destination), ToBFloat16);
        else throw new NotSupportedException($"models are made in {string.Join(", ", CheckpointRecipe.DTypes)}, not in {parameter.DType}");
    }

    private void Fill<T>(ParameterSpec parameter, int parameterIndex, long firstElement, Span<T> destination, Func<float, T> convert)
    {
        if (parameter.Name.EndsWith(".mask", StringComparison.Ordinal)) FillMask(parameter, firstElement, destination, convert);
        else FillRandom(parameter, parameterIndex, firstElement, destination, convert);
    }

    // torch.triu(torch.ones(n, n), diagonal=1), as the article registers it.
    private static void FillMask<T>(ParameterSpec parameter, long firstElement, Span<T> destination, Func<float, T> convert)
    {
        var (row, column) = Math.DivRem(firstElement, parameter.Shape[1]);
        var (past, future) = (convert(0), convert(1));
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = column > row ? future : past;
            if (++column < parameter.Shape[1]) continue;
            column = 0;
            row++;
        }
    }

    // A counter, mixed (the finalizer of SplitMix64): any element can be computed alone. Norms scale around 1, all else around 0 as GPT-2 does.
    private void FillRandom<T>(ParameterSpec parameter, int parameterIndex, long firstElement, Span<T> destination, Func<float, T> convert)
    {
        var centre = parameter.Name.EndsWith(".scale", StringComparison.Ordinal) || parameter.Name.EndsWith("norm.weight", StringComparison.Ordinal) ? 1f : 0f;
        var state = unchecked((seed + 1) * Step ^ BitOperations.RotateLeft((ulong)parameterIndex * Step, 32));
        for (var i = 0; i < destination.Length; i++)
        {
            var bits = Mix(unchecked(state + (ulong)(firstElement + i) * Step));
            destination[i] = convert(centre + ((int)(bits >> 40) - (1 << 23)) * (0.04f / (1 << 23)));
        }
    }

    // bfloat16 is the upper half of a float32; round to nearest, ties to even. None of the values is NaN.
    private static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static ulong Mix(ulong z)
    {
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }
}
