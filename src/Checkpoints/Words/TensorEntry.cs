using System.Collections.Immutable;

namespace Loadline.Checkpoints;

/// <summary>
/// A run of bytes in a file that one or more tensors view. Entries that share memory (ties, views) share the same instance: compare by reference.
/// </summary>
/// <param name="File">The file's path.</param>
/// <param name="Position">Where the bytes start in the file; for a compressed record, where the compressed bytes start.</param>
/// <param name="Bytes">How many bytes there are, uncompressed.</param>
/// <param name="CompressedBytes">The length in the file of a deflated record, else null. Compressed bytes can be read but not mapped.</param>
public sealed record StorageEntry(string File, long Position, long Bytes, long? CompressedBytes = null)
{
    /// <summary>Whether the bytes lie in the file as they are in memory.</summary>
    public bool IsMappable => CompressedBytes is null && !IsOnlyRead;

    /// <summary>Whether the bytes lie in no one run of a file: they are read, wherever they go, and never mapped.</summary>
    internal bool IsOnlyRead => Assembled is not null || Inline is not null;

    /// <summary>
    /// Where the parts are, if the bytes lie in several places, perhaps in several files: they are put together as they are read, and never mapped.
    /// <see cref="File"/> and <see cref="Position"/> are those of the first part.
    /// </summary>
    internal IAssembledBytes? Assembled { get; init; }

    /// <summary>Every file that holds a part of the bytes.</summary>
    internal IEnumerable<string> Files => Assembled?.Parts.Select(part => part.Entry.Storage.File).Distinct() ?? [File];

    /// <summary>
    /// The bytes themselves, where the file has them in another form: NumPy arrays stand in the pickle, mostly as text.
    /// </summary>
    internal byte[]? Inline { get; init; }

    /// <summary>Identity, not value: two empty storages are still two.</summary>
    public bool Equals(StorageEntry? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}

/// <summary>One tensor of a checkpoint: where its bytes lie, never the bytes themselves.</summary>
/// <param name="Name">The name in the state dict; nested dictionaries give dotted names, a bare tensor the empty name.</param>
/// <param name="DType">The element type.</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
/// <param name="Strides">In elements, as many as sizes.</param>
/// <param name="StorageOffset">The first element, counted in elements from the storage's start.</param>
/// <param name="Storage">The bytes that the tensor views, alone or with others.</param>
public sealed record TensorEntry(
    string Name, DType DType, ImmutableArray<long> Shape, ImmutableArray<long> Strides, long StorageOffset, StorageEntry Storage)
{
    private readonly string? _storedName;

    /// <summary>The name that the file gives it, where a <see cref="Selection.EntrySelection"/> gave it another one.</summary>
    public string StoredName
    {
        get => _storedName ?? Name;
        init => _storedName = value;
    }

    /// <summary>Elements of the tensor.</summary>
    public long ElementCount => Shapes.ElementCount(Shapes.Span(Shape));

    /// <summary>Bytes of the tensor laid out without gaps, which for a view is not the length of its storage.</summary>
    public long ByteCount => DType.ByteCount(ElementCount);

    /// <summary>Whether the elements lie row-major without gaps from <see cref="StorageOffset"/> on.</summary>
    public bool IsContiguous => Shapes.IsContiguous(Shapes.Span(Shape), Shapes.Span(Strides));

    /// <summary>Whether the tensor is all of its storage, in order: then the storage's bytes are the tensor's.</summary>
    public bool CoversStorage => IsContiguous && StorageOffset == 0 && ByteCount == Storage.Bytes;
}

/// <summary>A tensor that a checkpoint holds, but that is no run of elements which could be loaded.</summary>
/// <param name="Name">As that of a <see cref="TensorEntry"/>.</param>
/// <param name="Reason">What it is and what to do, to follow its name: "is sparse: save tensor.to_dense() instead".</param>
public sealed record UnloadableTensor(string Name, string Reason);

/// <summary>Fills a span with a storage's bytes from an offset on.</summary>
internal delegate void StorageReader(StorageEntry storage, long offset, Span<byte> destination);

/// <summary>The bytes of a storage that lie in several places.</summary>
internal interface IAssembledBytes
{
    /// <summary>
    /// The parts that hold bytes, the first index of each in the whole tensor, and the bytes of that from the first that a part has to the last: who reads these piece by
    /// piece reads the part in as many.
    /// </summary>
    IEnumerable<(ImmutableArray<long> Offsets, TensorEntry Entry, long SpanBytes)> Parts { get; }

    /// <summary>How many stretches of the whole the parts fill, all together: each is copied by itself.</summary>
    long Runs { get; }

    /// <summary>Those of the parts that lie in compressed records, in the order in which they are read.</summary>
    IReadOnlyList<(TensorEntry Entry, long SpanBytes)> Deflated { get; }

    /// <summary>Fills the destination with the bytes, laid out without gaps, from an offset on.</summary>
    /// <param name="offset">In bytes.</param>
    /// <param name="destination">What to fill.</param>
    /// <param name="read">Reads the storages of the parts.</param>
    void Read(long offset, Span<byte> destination, StorageReader read);
}
