using Loadline.Checkpoints;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>TorchSharp's names of element types. It has none for float8 and unsigned integers of more than a byte.</summary>
internal static class ScalarTypes
{
    private static readonly (torch.ScalarType Theirs, DType Ours)[] Known =
    [
        (torch.ScalarType.Byte, DType.UInt8), (torch.ScalarType.Int8, DType.Int8), (torch.ScalarType.Int16, DType.Int16), (torch.ScalarType.Int32, DType.Int32),
        (torch.ScalarType.Int64, DType.Int64), (torch.ScalarType.Float16, DType.Float16), (torch.ScalarType.Float32, DType.Float32),
        (torch.ScalarType.Float64, DType.Float64), (torch.ScalarType.BFloat16, DType.BFloat16), (torch.ScalarType.Bool, DType.Bool),
        (torch.ScalarType.ComplexFloat32, DType.Complex64), (torch.ScalarType.ComplexFloat64, DType.Complex128),
    ];

    /// <summary>TorchSharp's type, or null where it has none.</summary>
    public static torch.ScalarType? Of(DType dtype)
    {
        foreach (var (theirs, ours) in Known)
        {
            if (ours == dtype) return theirs;
        }

        return null;
    }

    /// <summary>Ours, or null for quantised types.</summary>
    public static DType? Of(torch.ScalarType type) => Array.Find(Known, k => k.Theirs == type).Ours;
}
