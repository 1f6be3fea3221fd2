namespace Loadline.Testcontainers;

/// <summary>A number of bytes that reads and prints its unit: <c>"512MiB"</c> is one wherever one is asked for.</summary>
/// <remarks>No record: assertions print a record's members instead of its text.</remarks>
/// <param name="bytes">The bytes.</param>
public readonly struct MemorySize(long bytes) : IComparable<MemorySize>, IEquatable<MemorySize>
{
    /// <summary>The bytes.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>Reads "2GiB", "1.5 GiB", "512MiB" or a bare number of bytes.</summary>
    /// <exception cref="FormatException">The text is no size.</exception>
    /// <exception cref="ArgumentNullException">There is none.</exception>
    public static implicit operator MemorySize(string text) => new(ByteSize.Parse(text ?? throw new ArgumentNullException(nameof(text))));

#pragma warning disable CS1591 // Comparisons need no explanation.
    public static bool operator ==(MemorySize left, MemorySize right) => left.Bytes == right.Bytes;
    public static bool operator !=(MemorySize left, MemorySize right) => left.Bytes != right.Bytes;
    public static bool operator <(MemorySize left, MemorySize right) => left.Bytes < right.Bytes;
    public static bool operator >(MemorySize left, MemorySize right) => left.Bytes > right.Bytes;
    public static bool operator <=(MemorySize left, MemorySize right) => left.Bytes <= right.Bytes;
    public static bool operator >=(MemorySize left, MemorySize right) => left.Bytes >= right.Bytes;
#pragma warning restore CS1591

    /// <inheritdoc/>
    public int CompareTo(MemorySize other) => Bytes.CompareTo(other.Bytes);

    /// <inheritdoc/>
    public bool Equals(MemorySize other) => Bytes == other.Bytes;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is MemorySize other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Bytes.GetHashCode();

    /// <summary>As in "512 MiB".</summary>
    public override string ToString() => ByteSize.Format(Bytes);
}
