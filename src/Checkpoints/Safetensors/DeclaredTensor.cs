namespace Loadline.Checkpoints.Safetensors;

/// <summary>A tensor as the header declares it; offsets count from the end of the header.</summary>
internal sealed record DeclaredTensor(string Name, int Index, DType DType, long[] Shape, ulong Begin, ulong End) : IComparable<DeclaredTensor>
{
    /// <summary>By offsets; empty tensors at one place keep the header's order.</summary>
    public int CompareTo(DeclaredTensor? other)
    {
        if (other is null) return 1;
        if (Begin != other.Begin) return Begin.CompareTo(other.Begin);
        return End != other.End ? End.CompareTo(other.End) : Index.CompareTo(other.Index);
    }

    /// <summary>The bytes that shape and dtype need, or null if they overflow or end inside a byte.</summary>
    public ulong? ByteCount()
    {
        // Multiplied in order, without looking ahead for a zero: the reference refuses a shape that overflows on the way to one.
        ulong count = 1;
        foreach (var size in Shape)
        {
            if (!TryMultiply(count, (ulong)size, out count)) return null;
        }

        return TryMultiply(count, (ulong)DType.BitsPerElement, out var bits) && bits % 8 == 0 ? bits / 8 : null;
    }

    public TensorEntry ToEntry(string file, long dataPosition)
    {
        var storage = new StorageEntry(file, dataPosition + (long)Begin, (long)(End - Begin));
        return new TensorEntry(Name, DType, Shapes.Freeze(Shape), Shapes.ContiguousStrides(Shape), 0, storage);
    }

    // Divided only where it could overflow.
    private static bool TryMultiply(ulong a, ulong b, out ulong product)
    {
        product = a * b;
        return (a | b) <= uint.MaxValue || a == 0 || product / a == b;
    }
}
