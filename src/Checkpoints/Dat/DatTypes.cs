namespace Loadline.Checkpoints.Dat;

/// <summary>The numbers of element types in TorchSharp's files: those of its <c>ScalarType</c>, and so of c10/core/ScalarType.h.</summary>
internal static class DatTypes
{
    private static readonly DType?[] ByNumber =
    [
        DType.UInt8, DType.Int8, DType.Int16, DType.Int32, DType.Int64, DType.Float16, DType.Float32, DType.Float64,
        null, DType.Complex64, DType.Complex128, DType.Bool, null, null, null, DType.BFloat16,
    ];

    /// <summary>One more than the largest number.</summary>
    public static int Count => ByNumber.Length;

    /// <summary>The type of a number, or null where it is quantized or none.</summary>
    public static DType? Find(long number) => number >= 0 && number < Count ? ByNumber[number] : null;

    /// <summary>The name of a quantized type's number, else null.</summary>
    public static string? QuantizedName(long number) => number switch { 12 => "QInt8", 13 => "QUInt8", 14 => "QInt32", _ => null };
}
