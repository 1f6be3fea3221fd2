using System.Globalization;
using Loadline.Checkpoints.Assembly;

namespace Loadline.Checkpoints.Conversion;

/// <summary>
/// Writes an open checkpoint in another format, in other dtypes, or both. Memory is bounded by a few buffers of 2 MiB whatever the size; reading and
/// converting overlap with writing.
/// </summary>
/// <remarks>
/// Tensors that view the same elements stay tied in pth. The other formats have no ties: there each name gets its own copy, so that every loader finds
/// every name. Views of a part of a storage become tensors of their own in every format.
/// </remarks>
public static class CheckpointConverter
{
    private const int PieceBytes = 2 * (int)ByteSize.MiB;

    // What an index says of all of its shards is not so of what is written, in another dtype or format.
    private static readonly string[] OfIndex = ["total_size", "total_parameters"];

    /// <summary>Converts. Nothing stands under <paramref name="target"/> before everything is written and synced; what stood there is replaced.</summary>
    /// <param name="source">What to read.</param>
    /// <param name="target">The file, or the folder for formats that are one.</param>
    /// <param name="options">What to write.</param>
    /// <param name="progress">Gets the fraction that is read, from 0 to 1; null if nobody cares.</param>
    /// <param name="cancellation">Stops and removes what was written.</param>
    /// <exception cref="CheckpointException">
    /// The source cannot be read, the format cannot hold one of its tensors, there is no conversion, or a value overflows.
    /// </exception>
    /// <exception cref="IOException">The target cannot be written; the message names it, and for a full disk the bytes needed and free.</exception>
    public static ConversionReport Convert(
        Checkpoint source, string target, ConversionOptions options, Action<double>? progress = null, CancellationToken cancellation = default)
    {
        var plan = new ConversionPlan(source, options);
        source.BeginReading();
        using var writer = CheckpointWriter.Create(
            target, options.Format, plan.Declarations, MetadataOf(source), shardBytes: options.ShardBytes, pendingPath: options.PendingPath);
        CopyAll(source, plan, writer, options, progress, cancellation);
        writer.Commit();
        return new ConversionReport(
            plan.Declarations.Count, plan.ConvertedTensors, plan.WrittenBytes, plan.UntiedTensors, plan.UntiedBytes);
    }

    // Loaders take format for the framework of the weights; what stands under that name beside a pickle's tensors is somebody's own.
    private static IReadOnlyDictionary<string, string> MetadataOf(Checkpoint source)
    {
        var metadata = new Dictionary<string, string>(source.Metadata);
        if (source.Format is not (CheckpointFormat.Safetensors or CheckpointFormat.Sharded)) metadata.Remove("format");
        if (source.Format == CheckpointFormat.Sharded) Array.ForEach(OfIndex, name => metadata.Remove(name));
        return CheckpointWriter.MetadataWith(metadata);
    }

    private static void CopyAll(
        Checkpoint source, ConversionPlan plan, CheckpointWriter writer, ConversionOptions options, Action<double>? progress, CancellationToken cancellation)
    {
        var (done, total) = (0L, plan.Copies.Sum(c => c.Source.ByteCount));
        // What a file of a few kilobytes fills, and no more.
        using var output = new WriteBehind(writer, (int)Math.Min(PieceBytes, plan.WrittenBytes));
        var reader = new TensorPieceReader(source.Read);
        var raw = plan.ConvertedTensors > 0 ? new byte[Math.Min(PieceBytes, total)] : [];
        foreach (var (tensor, dtype) in plan.Copies)
        {
            // Bytes of the piece before and after the conversion: neither is to be larger than a buffer.
            var widening = Math.Max(1, dtype.BitsPerElement / tensor.DType.BitsPerElement);
            foreach (var piece in TensorPiece.Of(tensor, PieceBytes / widening))
            {
                cancellation.ThrowIfCancellationRequested();
                Copy(reader, piece, dtype, output, raw, options.AllowOverflow);
                done += piece.Bytes;
                progress?.Invoke((double)done / total);
            }
        }

        output.Complete();
    }

    private static void Copy(TensorPieceReader reader, TensorPiece piece, DType dtype, WriteBehind output, byte[] raw, bool allowOverflow)
    {
        var from = piece.Tensor.DType;
        if (from == dtype)
        {
            reader.Read(piece, output.GetSpan(piece.Bytes));
            output.Advance(piece.Bytes);
            return;
        }

        var source = raw.AsSpan(0, piece.Bytes);
        reader.Read(piece, source);
        var bytes = piece.Bytes / from.BytesPerElement * dtype.BytesPerElement;
        var overflow = DTypeConversion.Convert(from, source, dtype, output.GetSpan(bytes));
        if (overflow >= 0 && !allowOverflow) throw Overflow(piece.Tensor, source[(overflow * from.BytesPerElement)..], dtype);
        output.Advance(bytes);
    }

    private static CheckpointException Overflow(TensorEntry tensor, ReadOnlySpan<byte> element, DType dtype)
    {
        var value = DTypeConversion.ValueOf(tensor.DType, element[..tensor.DType.BytesPerElement]).ToString("R", CultureInfo.InvariantCulture);
        return new CheckpointException(
            CheckpointError.Unsupported, tensor.Storage.File,
            $"holds {value}, which is too large for {dtype}: choose another dtype, or --allow-overflow to write infinity", tensor.Name);
    }
}
