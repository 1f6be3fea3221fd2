using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Loadline.Checkpoints.Pickles;

/// <summary>A storage as a pickle refers to it; the bytes are elsewhere, under the key.</summary>
/// <param name="Class">The storage class, typed or untyped.</param>
/// <param name="Key">Names the bytes.</param>
/// <param name="Count">Elements; for an untyped storage, bytes.</param>
/// <param name="View">The part that is meant, where it is not all; only files of PyTorch's first versions have such.</param>
internal sealed record StorageReference(PickleGlobal Class, string Key, long Count, StorageView? View = null)
{
    /// <summary>The location of storages without contents.</summary>
    public const string Meta = "meta";

    /// <summary>Whether a location is that of storages without contents, with a number or without.</summary>
    public static bool IsMeta(string location) => location == Meta || location.StartsWith(Meta + ":", StringComparison.Ordinal);

    /// <summary>The element type; bytes where the class has none. Null for a quantized type.</summary>
    public DType? DType => Class.Kind == PickleGlobalKind.UntypedStorage ? DType.UInt8 : Class.DType;

    /// <summary>Bytes of one element, of a quantized one too: 4 for QInt32, 1 for the others.</summary>
    public int ElementBytes => DType?.BytesPerElement ?? (Class.Name.EndsWith("QInt32Storage", StringComparison.Ordinal) ? 4 : 1);

    /// <summary>Whether <paramref name="bytes"/> are what it describes: all its elements, and less than one more behind them; or nothing, where it has none.</summary>
    public bool Fits(long bytes) => Count >= 0 && Count == bytes / ElementBytes && (Count > 0 || bytes == 0);

    /// <summary>
    /// Whether two references mean the same elements, not only the same bytes: PyTorch takes the first one's type for all, and writes others only of no elements.
    /// </summary>
    public bool AgreesWith(StorageReference other) => Key == other.Key && View == other.View && Count == other.Count
        && (Count == 0 || (DType == other.DType && (DType is not null || Class == other.Class)));
}

/// <summary>A run of elements of a storage.</summary>
/// <param name="Key">Names the run.</param>
/// <param name="Offset">Its first element.</param>
/// <param name="Count">Its elements.</param>
internal sealed record StorageView(string Key, long Offset, long Count);

/// <summary>What is a tensor in Python, or becomes one.</summary>
internal abstract record PickledTensor;

/// <summary>A tensor as a pickle describes it, its numbers not yet checked against the storage.</summary>
internal sealed record TensorValue(
    StorageReference Storage, DType DType, long Offset, ImmutableArray<long> Shape, ImmutableArray<long> Strides) : PickledTensor
{
    /// <summary>Whether another one has the same elements of one storage, in the same order.</summary>
    public bool HasContentsOf(TensorValue other) => Storage.Key == other.Storage.Key && Storage.View == other.Storage.View && Offset == other.Offset
        && DType == other.DType && Shape.AsSpan().SequenceEqual(other.Shape.AsSpan()) && Strides.AsSpan().SequenceEqual(other.Strides.AsSpan());
}

/// <summary>A tensor of a kind that Loadline does not load. Where it is used its name is known.</summary>
/// <param name="Problem">What it is and what to do.</param>
internal sealed record RefusedTensor(string Problem) : PickledTensor;

/// <summary>A tensor or parameter of PyTorch's first versions, which was made empty and gets its contents as its state.</summary>
internal sealed record PendingTensor : PickledTensor
{
    public PickledTensor? Contents { get; set; }

    /// <summary>Only itself: two may have each other for contents, and to compare these would have no end.</summary>
    public bool Equals(PendingTensor? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
}
