using System.Diagnostics.CodeAnalysis;

namespace Loadline.Checkpoints;

/// <summary>
/// An element type under PyTorch's name, with the names that the file formats give it. Instances are unique: compare by reference.
/// </summary>
/// <remarks>
/// Sources: torch/csrc/utils/tensor_dtypes.cpp and torch/storage.py for PyTorch's names, the safetensors crate's <c>Dtype</c> for its own.
/// </remarks>
public sealed class DType
{
#pragma warning disable CS1591 // The names are PyTorch's own.
    public static readonly DType Float64 = new("float64", 64, "F64", "DoubleStorage", isFloatingPoint: true);
    public static readonly DType Float32 = new("float32", 32, "F32", "FloatStorage", isFloatingPoint: true);
    public static readonly DType Float16 = new("float16", 16, "F16", "HalfStorage", isFloatingPoint: true);
    public static readonly DType BFloat16 = new("bfloat16", 16, "BF16", "BFloat16Storage", isFloatingPoint: true);
    public static readonly DType Float8E4M3FN = new("float8_e4m3fn", 8, "F8_E4M3", null, isFloatingPoint: true);
    public static readonly DType Float8E5M2 = new("float8_e5m2", 8, "F8_E5M2", null, isFloatingPoint: true);
    public static readonly DType Float8E4M3FNUZ = new("float8_e4m3fnuz", 8, "F8_E4M3FNUZ", null, isFloatingPoint: true);
    public static readonly DType Float8E5M2FNUZ = new("float8_e5m2fnuz", 8, "F8_E5M2FNUZ", null, isFloatingPoint: true);
    public static readonly DType Float8E8M0FNU = new("float8_e8m0fnu", 8, "F8_E8M0", null, isFloatingPoint: true);
    public static readonly DType Float6E2M3 = new("float6_e2m3", 6, "F6_E2M3", null, isFloatingPoint: true);
    public static readonly DType Float6E3M2 = new("float6_e3m2", 6, "F6_E3M2", null, isFloatingPoint: true);
    public static readonly DType Float4 = new("float4_e2m1", 4, "F4", null, isFloatingPoint: true);
    public static readonly DType Int64 = new("int64", 64, "I64", "LongStorage");
    public static readonly DType Int32 = new("int32", 32, "I32", "IntStorage");
    public static readonly DType Int16 = new("int16", 16, "I16", "ShortStorage");
    public static readonly DType Int8 = new("int8", 8, "I8", "CharStorage");
    public static readonly DType UInt64 = new("uint64", 64, "U64", null);
    public static readonly DType UInt32 = new("uint32", 32, "U32", null);
    public static readonly DType UInt16 = new("uint16", 16, "U16", null);
    public static readonly DType UInt8 = new("uint8", 8, "U8", "ByteStorage");
    public static readonly DType Bool = new("bool", 8, "BOOL", "BoolStorage");
    public static readonly DType Bits16 = new("bits16", 16, null, null);
    public static readonly DType Bits8 = new("bits8", 8, null, null);
    public static readonly DType Bits4X2 = new("bits4x2", 8, null, null);
    public static readonly DType Bits2X4 = new("bits2x4", 8, null, null);
    public static readonly DType Bits1X8 = new("bits1x8", 8, null, null);
    public static readonly DType Complex32 = new("complex32", 32, null, null);
    public static readonly DType Complex64 = new("complex64", 64, "C64", "ComplexFloatStorage");
    public static readonly DType Complex128 = new("complex128", 128, null, "ComplexDoubleStorage");
#pragma warning restore CS1591

    private DType(string name, int bits, string? safetensorsName, string? storageClass, bool isFloatingPoint = false)
    {
        Name = name;
        BitsPerElement = bits;
        SafetensorsName = safetensorsName;
        StorageClass = storageClass;
        IsFloatingPoint = isFloatingPoint;
    }

    /// <summary>All of them, in the order above.</summary>
    public static IReadOnlyList<DType> All { get; } =
    [
        Float64, Float32, Float16, BFloat16, Float8E4M3FN, Float8E5M2, Float8E4M3FNUZ, Float8E5M2FNUZ, Float8E8M0FNU, Float6E2M3, Float6E3M2,
        Float4, Int64, Int32, Int16, Int8, UInt64, UInt32, UInt16, UInt8, Bool, Bits16, Bits8, Bits4X2,
        Bits2X4, Bits1X8, Complex32, Complex64, Complex128,
    ];

    /// <summary>PyTorch's name without the "torch." prefix, as in <c>bfloat16</c>.</summary>
    public string Name { get; }

    /// <summary>Bits of one element. 4 and 6 occur in safetensors only, and only as opaque bytes.</summary>
    public int BitsPerElement { get; }

    /// <summary>Bytes of one element; 0 for the types narrower than a byte, which have no address.</summary>
    public int BytesPerElement => BitsPerElement / 8;

    /// <summary>The name in a safetensors header, or null where that format has none.</summary>
    public string? SafetensorsName { get; }

    /// <summary>The <c>torch.*Storage</c> class in a pickle, or null for types that PyTorch stores as UntypedStorage.</summary>
    public string? StorageClass { get; }

    /// <summary>Whether a load with a target dtype converts it, as <c>torch_dtype</c> does; integers, bool and complex stay.</summary>
    public bool IsFloatingPoint { get; }

    /// <summary>Finds a dtype by PyTorch's name, with or without the "torch." prefix.</summary>
    public static bool TryParse(string? name, [NotNullWhen(true)] out DType? dtype)
    {
        var bare = name?.StartsWith("torch.", StringComparison.Ordinal) == true ? name["torch.".Length..] : name;
        dtype = All.FirstOrDefault(d => d.Name == bare);
        return dtype is not null;
    }

    /// <summary>Bytes that <paramref name="elementCount"/> elements take, rounded up to whole bytes.</summary>
    /// <exception cref="OverflowException">The size does not fit 63 bits.</exception>
    public long ByteCount(long elementCount) => BitsPerElement % 8 == 0
        ? checked(elementCount * BytesPerElement)
        : (checked(elementCount * BitsPerElement) + 7) / 8;

    /// <inheritdoc/>
    public override string ToString() => Name;
}
