using System.Globalization;
using System.Runtime.CompilerServices;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Tensors.Engines;

namespace Loadline.Reading;

/// <summary>
/// Reads weights that get another dtype on the way: piece by piece into memory of fixed size, and from there, converted, to where they go. That memory
/// is all that a conversion takes, whatever the model's size and however many readers share it.
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
        var (from, to) = (storage.ConvertedFrom!, storage.Tensors[0].DType);
        var element = offset / to.BytesPerElement;
        var piece = _pieces.Take();
        try
        {
            while (!destination.IsEmpty)
            {
                var count = Math.Min(ReadSizes.ConvertedPieceBytes / from.BytesPerElement, destination.Length / to.BytesPerElement);
                var source = _pieces.Slot(piece, count * from.BytesPerElement);
                read(storage, element * from.BytesPerElement, source);
                var overflow = DTypeConversion.Convert(from, source, to, destination[..(count * to.BytesPerElement)]);
                if (overflow >= 0) RequireUnseen(storage, element, source, overflow);
                element += count;
                destination = destination[(count * to.BytesPerElement)..];
            }
        }
        finally
        {
            _pieces.Return(piece);
        }
    }

    public void Dispose() => _pieces.Dispose();

    private static bool IsAround(TensorEntry tensor, long element) => tensor.ElementCount > 0 && ViewSpans.Of(tensor) is var (start, end) && start <= element && element <= end;

    // Bytes of a storage that no tensor views are converted with the others, and hold anything.
    private void RequireUnseen(WeightStorage storage, long firstElement, ReadOnlySpan<byte> source, int overflow)
    {
        var (from, to) = (storage.ConvertedFrom!, storage.Tensors[0].DType);
        var spans = _spans.GetValue(storage, ViewSpans.Of);
        Span<byte> converted = stackalloc byte[to.BytesPerElement];
        for (var i = overflow; i < source.Length / from.BytesPerElement; i++)
        {
            var element = source.Slice(i * from.BytesPerElement, from.BytesPerElement);
            if (!spans.Contain(firstElement + i) || DTypeConversion.Convert(from, element, to, converted) < 0) continue;
            var tensor = storage.Tensors.FirstOrDefault(t => ViewSpans.MayHold(t, firstElement + i)) ?? storage.Tensors.First(t => IsAround(t, firstElement + i));
            var value = DTypeConversion.ValueOf(from, element).ToString("R", CultureInfo.InvariantCulture);
            throw new CheckpointException(
                CheckpointError.Unsupported, storage.Source.File,
                $"holds {value}, which is too large for {to}: choose another dtype, or another one for this tensor, as in {to},NAME={from}", tensor.Name);
        }
    }
}

/// <summary>Fills a span with a storage's bytes, in the file's dtype, from an offset on.</summary>
internal delegate void StorageRead(WeightStorage storage, long offset, Span<byte> destination);
