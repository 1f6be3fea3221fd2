using System.Runtime.Intrinsics;

namespace Loadline.Strategies.Forward;

/// <summary>
/// The product of two rows, summed in an order that is the same on every machine and for every address. TensorPrimitives.Dot goes by the widest vectors
/// there are and by how its arguments are aligned: weights that are mapped would give other bits than their copies.
/// </summary>
internal static class Dot
{
    private const int Lanes = 8;

    public static float Product(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        // Four sums, because an addition takes four cycles.
        var (first, second, third, fourth) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        var i = 0;
        for (; i <= a.Length - 4 * Lanes; i += 4 * Lanes)
        {
            first += At(a, i) * At(b, i);
            second += At(a, i + Lanes) * At(b, i + Lanes);
            third += At(a, i + 2 * Lanes) * At(b, i + 2 * Lanes);
            fourth += At(a, i + 3 * Lanes) * At(b, i + 3 * Lanes);
        }

        for (; i <= a.Length - Lanes; i += Lanes) first += At(a, i) * At(b, i);
        var sum = Vector256.Sum(first + second + (third + fourth));
        for (; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    private static Vector256<float> At(ReadOnlySpan<float> values, int index) => Vector256.Create(values[index..]);
}
