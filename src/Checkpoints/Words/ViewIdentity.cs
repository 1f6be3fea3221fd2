namespace Loadline.Checkpoints;

/// <summary>Which elements of which storage a tensor is, in what order: tied names have the same.</summary>
internal sealed record ViewIdentity(StorageEntry Storage, long Offset, DType DType, ViewShape Shape)
{
    /// <summary>Of a tensor.</summary>
    public static ViewIdentity Of(TensorEntry tensor) => new(tensor.Storage, tensor.StorageOffset, tensor.DType, ViewShape.Of(tensor));

    // The compiler's would be one that a file can choose offsets for.
    public override int GetHashCode() => HashCode.Combine(Storage, (int)Offset, (int)(Offset >> 32), DType, Shape);
}
