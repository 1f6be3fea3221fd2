using System.Collections.Immutable;

namespace Loadline.Checkpoints.Pickles;

/// <summary>A storage as a pickle refers to it; the bytes are elsewhere, under the key.</summary>
/// <param name="Class">The storage class, typed or untyped.</param>
/// <param name="Key">Names the bytes.</param>
/// <param name="Count">Elements; for an untyped storage, bytes.</param>
/// <param name="View">The part that is meant, where it is not all; only files of PyTorch's first versions have such.</param>
internal sealed record StorageReference(PickleGlobal Class, string Key, long Count, StorageView? View = null)
{
    /// <summary>The element type; bytes where the class has none. Null for a quantized type.</summary>
    public DType? DType => Class.Kind == PickleGlobalKind.UntypedStorage ? DType.UInt8 : Class.DType;
}

/// <summary>A run of elements of a storage.</summary>
/// <param name="Key">Names the run.</param>
/// <param name="Offset">Its first element.</param>
/// <param name="Count">Its elements.</param>
internal sealed record StorageView(string Key, long Offset, long Count);

/// <summary>A tensor as a pickle describes it, its numbers not yet checked against the storage.</summary>
internal sealed record TensorValue(
    StorageReference Storage, DType DType, long Offset, ImmutableArray<long> Shape, ImmutableArray<long> Strides);

/// <summary>A tensor of a kind that Loadline does not load. It is refused where it is used, because only there is its name known.</summary>
/// <param name="Problem">What it is and what to do.</param>
internal sealed record RefusedTensor(string Problem);
