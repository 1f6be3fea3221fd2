using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Loadline.Checkpoints;

/// <summary>How a view cuts its storage, as a key: two with equal sizes and strides are equal. It takes no memory for them, of which a file may have many.</summary>
internal sealed class ViewShape(ImmutableArray<long> sizes, ImmutableArray<long> strides) : IEquatable<ViewShape>
{
    private readonly ImmutableArray<long> _sizes = sizes;
    private readonly ImmutableArray<long> _strides = strides;

    /// <summary>That of a tensor.</summary>
    public static ViewShape Of(TensorEntry entry) => new(entry.Shape, entry.Strides);

    public bool Equals(ViewShape? other) =>
        other is not null && Bytes(_sizes).SequenceEqual(Bytes(other._sizes)) && Bytes(_strides).SequenceEqual(Bytes(other._strides));

    public override bool Equals(object? obj) => Equals(obj as ViewShape);

    // As texts are hashed, by a key of each process's own: a file cannot choose sizes that collide.
    public override int GetHashCode() => HashCode.Combine(Hash(_sizes), Hash(_strides));

    private static int Hash(ImmutableArray<long> numbers) => string.GetHashCode(MemoryMarshal.Cast<long, char>(numbers.AsSpan()));

    private static ReadOnlySpan<byte> Bytes(ImmutableArray<long> numbers) => MemoryMarshal.AsBytes(numbers.AsSpan());
}
