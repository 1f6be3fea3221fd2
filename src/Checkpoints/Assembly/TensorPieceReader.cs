using System.Buffers;
using System.Runtime.InteropServices;
using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Assembly;

/// <summary>
/// Reads pieces of tensors by positioned reads, views with gaps included, with one window of memory, lent for the time of a piece: there may be a reader for
/// each of a million. What lies near is read together and sorted out in the window, in the order of the storage: a transposed matrix is not read once for
/// each of its rows. For one thread.
/// </summary>
internal sealed class TensorPieceReader(StorageReader read)
{
    /// <summary>Fills <paramref name="destination"/> with the piece's elements in row-major order.</summary>
    public void Read(TensorPiece piece, Span<byte> destination)
    {
        if (Shapes.IsContiguous(piece.Sizes.AsSpan(), piece.Strides.AsSpan()))
        {
            read(piece.Tensor.Storage, piece.First * piece.UnitBytes, destination);
            return;
        }

        var window = ArrayPool<byte>.Shared.Rent(GatheredReads.WindowBytes);
        try
        {
            new Gathering(read, piece, window, destination).Run(0, piece.First, 0);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(window);
        }
    }

    /// <summary>Fills the destination with a view's bytes, laid out row-major without gaps, from an offset on; both are whole elements.</summary>
    public void Read(TensorEntry view, long denseOffset, Span<byte> destination)
    {
        var width = view.DType.BytesPerElement;
        while (!destination.IsEmpty)
        {
            var piece = TensorPiece.At(view, denseOffset / width, destination.Length / width);
            Read(piece, destination[..piece.Bytes]);
            denseOffset += piece.Bytes;
            destination = destination[piece.Bytes..];
        }
    }

    /// <summary>From the first unit to the last.</summary>
    private static long Reach(ReadOnlySpan<Dimension> dimensions)
    {
        long last = 0;
        foreach (var d in dimensions) last += (d.Size - 1) * d.Stride;
        return last + 1;
    }

    /// <summary>A dimension, with both of its strides in units.</summary>
    private readonly record struct Dimension(long Size, long Stride, long TargetStride);

    private readonly ref struct Gathering
    {
        private readonly StorageReader _read;
        private readonly StorageEntry _storage;
        private readonly int _unit;
        private readonly Dimension[] _dimensions;
        private readonly Span<byte> _window;
        private readonly Span<byte> _target;

        public Gathering(StorageReader read, TensorPiece piece, Span<byte> window, Span<byte> target)
        {
            (_read, _storage, _unit) = (read, piece.Tensor.Storage, piece.UnitBytes);
            _window = window;
            _target = target;
            var dense = Shapes.ContiguousStrides(piece.Sizes.AsSpan());
            // Of one index nothing is to be gone through, and a view may have 63 such dimensions.
            _dimensions = [.. piece.Sizes.Select((size, d) => new Dimension(size, piece.Strides[d], dense[d])).Where(d => d.Size != 1).OrderByDescending(d => d.Stride)];
        }

        /// <summary>Gathers the dimensions from <paramref name="from"/> on, at a position of the storage and one of the target, both in units.</summary>
        public void Run(int from, long source, long target)
        {
            if (from == _dimensions.Length)
            {
                Read(source, _target.Slice((int)target * _unit, _unit));
                return;
            }

            var (size, stride, targetStride) = _dimensions[from];
            var inside = Reach(_dimensions.AsSpan(from + 1));
            var together = Math.Min(size, GatheredReads.Together(size, stride, inside, _unit));
            for (long i = 0; i < size; i += Math.Max(together, 1))
            {
                if (together == 0)
                {
                    Run(from + 1, source + i * stride, target + i * targetStride);
                    continue;
                }

                var count = Math.Min(together, size - i);
                Read(source + i * stride, _window[..(int)(((count - 1) * stride + inside) * _unit)]);
                Scatter(from, count, 0, target + i * targetStride);
            }
        }

        private void Scatter(int from, long size, long source, long target)
        {
            var (_, stride, targetStride) = _dimensions[from];
            if (from == _dimensions.Length - 1)
            {
                ScatterRow((int)size, (int)source, (int)stride, (int)target, (int)targetStride);
                return;
            }

            for (long i = 0; i < size; i++) Scatter(from + 1, _dimensions[from + 1].Size, source + i * stride, target + i * targetStride);
        }

        private void ScatterRow(int size, int source, int stride, int target, int targetStride)
        {
            if (stride == 1 && targetStride == 1) _window.Slice(source * _unit, size * _unit).CopyTo(_target[(target * _unit)..]);
            else if (_unit == 1) ScatterRow<byte>(size, source, stride, target, targetStride);
            else if (_unit == 2) ScatterRow<ushort>(size, source, stride, target, targetStride);
            else if (_unit == 4) ScatterRow<uint>(size, source, stride, target, targetStride);
            else if (_unit == 8) ScatterRow<ulong>(size, source, stride, target, targetStride);
            else ScatterRow<UInt128>(size, source, stride, target, targetStride);
        }

        private void ScatterRow<T>(int size, int source, int stride, int target, int targetStride)
            where T : struct
        {
            var from = MemoryMarshal.Cast<byte, T>(_window);
            var to = MemoryMarshal.Cast<byte, T>(_target);
            for (var i = 0; i < size; i++) to[target + i * targetStride] = from[source + i * stride];
        }

        private void Read(long first, Span<byte> destination) => _read(_storage, first * _unit, destination);
    }
}
