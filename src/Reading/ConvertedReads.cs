using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Tensors.Engines;

namespace Loadline.Reading;

/// <summary>
/// Reads weights that get another dtype on the way: piece by piece into memory of fixed size, and from there, converted, to where they go. That memory
/// is all that a conversion takes, whatever the model's size and however many readers share it; of views with gaps and tensors in parts it is 1 MiB a reader.
/// </summary>
internal sealed class ConvertedReads(Engine engine) : IDisposable
{
    private readonly Ring _pieces = new(engine, ReadSizes.ConversionBytes, ReadSizes.ConvertedPieceBytes, use: "conversion");

    // Of storages in which something overflows: next to none.
    private readonly ConditionalWeakTable<WeightStorage, ViewSpans> _spans = [];

    /// <summary>Fills the destination with a storage's bytes, as they are in memory, from an offset on; both are whole elements.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="offset">In memory.</param>
    /// <param name="destination">What to fill.</param>
    /// <param name="read">Reads the storage's bytes in the file's dtype.</param>
    /// <exception cref="CheckpointException">A value is too large for the dtype.</exception>
    public void Read(WeightStorage storage, long offset, Span<byte> destination, StorageRead read)
    {
        if (storage.Gathered is not null || storage.Source.Assembled is not null)
        {
            ReadGathered(storage, offset, destination, read);
            return;
        }

        var piece = _pieces.Take();
        try
        {
            Read(storage, offset, destination, read, _pieces.Slot(piece, ReadSizes.ConvertedPieceBytes));
        }
        finally
        {
            _pieces.Return(piece);
        }
    }

    public void Dispose() => _pieces.Dispose();

    // Of a view with gaps each piece may lie all over the storage, and of a tensor in parts in all of them: the larger it is, the less often these are read.
    private void ReadGathered(WeightStorage storage, long offset, Span<byte> destination, StorageRead read)
    {
        var piece = ArrayPool<byte>.Shared.Rent(ReadSizes.GatheredBytes);
        try
        {
            Read(storage, offset, destination, read, piece.AsSpan(0, ReadSizes.GatheredBytes));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private void Read(WeightStorage storage, long offset, Span<byte> destination, StorageRead read, Span<byte> piece)
    {
        var (from, to) = (storage.ConvertedFrom!, storage.Tensors[0].DType);
        for (var element = offset / to.BytesPerElement; !destination.IsEmpty;)
        {
            var count = Math.Min(piece.Length / from.BytesPerElement, destination.Length / to.BytesPerElement);
            var source = piece[..(count * from.BytesPerElement)];
            read(storage, element * from.BytesPerElement, source);
            var converted = destination[..(count * to.BytesPerElement)];
            var overflow = DTypeConversion.Convert(from, source, to, converted);
            if (overflow >= 0) RequireUnseen(storage, element, source, converted, overflow);
            element += count;
            destination = destination[(count * to.BytesPerElement)..];
        }
    }

    private static bool IsAround(TensorEntry tensor, long element) => tensor.ElementCount > 0 && ViewSpans.Of(tensor) is var (start, end) && start <= element && element <= end;

    // Bytes of a storage that no tensor views are converted with the others, and hold anything.
    private void RequireUnseen(WeightStorage storage, long firstElement, ReadOnlySpan<byte> source, ReadOnlySpan<byte> converted, int overflow)
    {
        var (from, to) = (storage.ConvertedFrom!, storage.Tensors[0].DType);
        var seen = new ViewSpans.Walk(_spans.GetValue(storage, ViewSpans.Of));
        // From one that overflowed to the next that is seen, and from there to the next that overflowed: what lies between is right, or nobody's, however much it is.
        for (var at = overflow; ;)
        {
            var next = seen.NextFrom(firstElement + at);
            if (next == firstElement + at) throw Refuse(storage, next, source.Slice(at * from.BytesPerElement, from.BytesPerElement));
            if (next - firstElement >= source.Length / from.BytesPerElement) return;
            at = (int)(next - firstElement);
            var distance = DTypeConversion.FindOverflow(from, source[(at * from.BytesPerElement)..], to, converted[(at * to.BytesPerElement)..]);
            if (distance < 0) return;
            at += distance;
        }
    }

    private static CheckpointException Refuse(WeightStorage storage, long element, ReadOnlySpan<byte> bytes)
    {
        var (from, to) = (storage.ConvertedFrom!, storage.Tensors[0].DType);
        var held = storage.Tensors.FirstOrDefault(t => ViewSpans.MayHold(t, element));
        var tensor = held ?? storage.Tensors.First(t => IsAround(t, element));
        var value = DTypeConversion.ValueOf(from, bytes).ToString("R", CultureInfo.InvariantCulture);
        return new CheckpointException(
            CheckpointError.Unsupported, storage.Source.File,
            $"{(held is null ? "and others lie around" : "holds")} {value}, which is too large for {to}: choose another dtype, or another one for this tensor, as in {to},NAME={from}", tensor.Name);
    }
}

/// <summary>Fills a span with a storage's bytes, in the file's dtype, from an offset on.</summary>
internal delegate void StorageRead(WeightStorage storage, long offset, Span<byte> destination);
