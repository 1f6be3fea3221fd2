using System.Collections.Immutable;

namespace Loadline.Checkpoints;

/// <summary>A tensor that is to be written.</summary>
/// <param name="Name">The name in the state dict.</param>
/// <param name="DType">The element type.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="SharesWith">The name of an earlier tensor of the same dtype and element count whose bytes this one shares (a tie), else null.</param>
public sealed record TensorDeclaration(string Name, DType DType, ImmutableArray<long> Shape, string? SharesWith = null)
{
    /// <summary>Bytes of the tensor without gaps.</summary>
    public long ByteCount => DType.ByteCount(Shapes.ElementCount(Shape.AsSpan()));
}
