namespace Loadline.Checkpoints.Dat;

/// <summary>TorchSharp's numbers for dtypes, its <c>ScalarType</c>. It has none for float8 and the wider unsigned integers.</summary>
internal static class ScalarTypes
{
    private static readonly Dictionary<DType, int> Codes = new()
    {
        [DType.UInt8] = 0,
        [DType.Int8] = 1,
        [DType.Int16] = 2,
        [DType.Int32] = 3,
        [DType.Int64] = 4,
        [DType.Float16] = 5,
        [DType.Float32] = 6,
        [DType.Float64] = 7,
        [DType.Complex64] = 9,
        [DType.Complex128] = 10,
        [DType.Bool] = 11,
        [DType.BFloat16] = 15,
    };

    /// <summary>The number, or null where TorchSharp has none.</summary>
    public static int? CodeOf(DType dtype) => Codes.TryGetValue(dtype, out var code) ? code : null;
}
