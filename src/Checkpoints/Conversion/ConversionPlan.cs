namespace Loadline.Checkpoints.Conversion;

/// <summary>What is read and what is written, tensor by tensor; made and checked before the first byte.</summary>
internal sealed class ConversionPlan
{
    public ConversionPlan(Checkpoint source, ConversionOptions options)
    {
        source.RequireLoadable();
        var firstOf = new Dictionary<Elements, string>();
        foreach (var entry in source.Entries)
        {
            var dtype = TargetOf(source, entry, options.DType);
            // Empty tensors share nothing, wherever they point.
            var first = entry.ByteCount > 0 && !firstOf.TryAdd(Elements.Of(entry), entry.Name) ? firstOf[Elements.Of(entry)] : null;
            var tie = options.Format == CheckpointFormat.Pth ? first : null;
            var declared = new TensorDeclaration(entry.Name, dtype, entry.Shape, tie);
            Declarations.Add(declared);
            if (tie is null)
            {
                Copies.Add((entry, dtype));
                WrittenBytes += declared.ByteCount;
            }

            if (entry.DType != dtype) ConvertedTensors++;
            if (first is null || tie is not null) continue;
            UntiedTensors++;
            UntiedBytes += declared.ByteCount;
        }
    }

    /// <summary>All tensors, in the order of the source.</summary>
    public List<TensorDeclaration> Declarations { get; } = [];

    /// <summary>The tensors whose bytes are written, with the dtype they get.</summary>
    public List<(TensorEntry Source, DType DType)> Copies { get; } = [];

    /// <summary>Bytes of all of them as they are written.</summary>
    public long WrittenBytes { get; }

    public int ConvertedTensors { get; }

    public int UntiedTensors { get; }

    public long UntiedBytes { get; }

    private static DType TargetOf(Checkpoint source, TensorEntry entry, DType? dtype)
    {
        if (dtype is null || !entry.DType.IsFloatingPoint || entry.DType == dtype) return entry.DType;
        return DTypeConversion.CanConvert(entry.DType, dtype)
            ? dtype
            : throw new CheckpointException(
                CheckpointError.Unsupported, source.Path, $"of {entry.DType} cannot be converted to {dtype}: leave --dtype out to keep every tensor's own", entry.Name);
    }

    /// <summary>Two tensors with equal ones are a tie. How the same run of elements is cut into dimensions does not matter.</summary>
    private sealed record Elements(StorageEntry Storage, long Offset, DType DType, ViewShape Shape)
    {
        // The compiler's would be one that a file can choose offsets for.
        public override int GetHashCode() => HashCode.Combine(Storage, (int)Offset, (int)(Offset >> 32), DType, Shape);

        public static Elements Of(TensorEntry entry) => new(
            entry.Storage, entry.StorageOffset, entry.DType,
            entry.IsContiguous ? new ViewShape([entry.ElementCount], []) : ViewShape.Of(entry));
    }
}
