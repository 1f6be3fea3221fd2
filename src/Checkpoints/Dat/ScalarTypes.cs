namespace Loadline.Checkpoints.Dat;

/// <summary>
/// TorchSharp's numbers for dtypes: its <c>ScalarType</c>, and so c10/core/ScalarType.h. It has none for float8 and the wider unsigned integers.
/// </summary>
internal static class ScalarTypes
{
    private static readonly DType?[] ByCode =
    [
        DType.UInt8, DType.Int8, DType.Int16, DType.Int32, DType.Int64, DType.Float16, DType.Float32, DType.Float64,
        null, DType.Complex64, DType.Complex128, DType.Bool, null, null, null, DType.BFloat16,
    ];

    /// <summary>One more than the largest number.</summary>
    public static int Count => ByCode.Length;

    /// <summary>The number, or null where TorchSharp has none.</summary>
    public static int? CodeOf(DType dtype) => Array.IndexOf(ByCode, dtype) is >= 0 and var code ? code : null;

    /// <summary>The dtype of a number, or null where it is quantized or none.</summary>
    public static DType? Find(long code) => code >= 0 && code < Count ? ByCode[code] : null;

    /// <summary>The name of a quantized type's number, else null.</summary>
    public static string? QuantizedName(long code) => code switch { 12 => "QInt8", 13 => "QUInt8", 14 => "QInt32", _ => null };
}
