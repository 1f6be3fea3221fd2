using Loadline.Checkpoints;

namespace Loadline.Strategies.Loading;

/// <summary>Fills a span with a storage's bytes from an offset on.</summary>
internal delegate void ByteReader(long offset, Span<byte> destination);

/// <summary>
/// Lays out a strided view's elements row-major without gaps, any part of it at a time, from a storage that is read in runs: a mapping, which would
/// give single elements for less, raises SIGBUS when somebody cuts its file.
/// </summary>
/// <remarks>
/// The part asked for is cut into boxes, and a box is read in the storage's order, not the view's: some rows of a transposed matrix come with one run
/// for each of its columns instead of one read for each element.
/// </remarks>
internal ref struct StridedReads
{
    private const int ScratchBytes = 32 * (int)ByteSize.KiB;

    private readonly TensorEntry _view;
    private readonly ByteReader _read;
    private readonly int _width;
    private readonly Span<byte> _destination;
    private readonly Span<byte> _scratch;
    private readonly Side[] _sides;
    private int _sideCount;

    private StridedReads(TensorEntry view, ByteReader read, Span<byte> destination, Span<byte> scratch)
    {
        (_view, _read, _width, _sides) = (view, read, view.DType.BytesPerElement, new Side[view.Shape.Length]);
        _destination = destination;
        _scratch = scratch;
    }

    /// <summary>Writes the bytes that the gapless tensor has from <paramref name="denseOffset"/> on; both it and the length are whole elements.</summary>
    public static void Read(TensorEntry view, ByteReader read, long denseOffset, Span<byte> destination)
    {
        var reads = new StridedReads(view, read, destination, stackalloc byte[ScratchBytes]);
        var position = denseOffset / reads._width;
        for (var done = 0; done < destination.Length;)
        {
            var (count, element) = reads.NextBox(position, (destination.Length - done) / reads._width);
            reads.ReadBox(0, element, done);
            done += count * reads._width;
            position += count;
        }
    }

    /// <summary>The largest box that starts at a dense position: a part of one dimension, and the whole of those inside it.</summary>
    private (int Count, long Element) NextBox(long position, int most)
    {
        var (count, element, isWhole) = (1, _view.StorageOffset, true);
        _sideCount = 0;
        for (var d = _view.Shape.Length - 1; d >= 0; d--)
        {
            (position, var index) = Math.DivRem(position, _view.Shape[d]);
            element += index * _view.Strides[d];
            if (!isWhole) continue;
            var size = (int)Math.Min(_view.Shape[d] - index, most / count);
            if (size > 1) _sides[_sideCount++] = new Side(size, _view.Strides[d], count * _width);
            count *= size;
            isWhole = size == _view.Shape[d];
        }

        _sides.AsSpan(0, _sideCount).Sort(static (a, b) => b.Stride.CompareTo(a.Stride));
        return (count, element);
    }

    /// <summary>Reads what the sides from <paramref name="first"/> on span, those with the widest strides first.</summary>
    private readonly void ReadBox(int first, long element, int target)
    {
        if (IsRun(first, out var runBytes))
        {
            _read(element * _width, _destination.Slice(target, runBytes));
        }
        else if (SpanBytes(first) is var bytes && bytes <= _scratch.Length)
        {
            _read(element * _width, _scratch[..(int)bytes]);
            Scatter(first, 0, target);
        }
        else if (first == _sideCount - 1)
        {
            ReadSide(_sides[first], element, target);
        }
        else
        {
            var side = _sides[first];
            for (var i = 0; i < side.Size; i++) ReadBox(first + 1, element + i * side.Stride, target + i * side.TargetBytes);
        }
    }

    /// <summary>A side whose span is more than the scratch, in parts.</summary>
    private readonly void ReadSide(Side side, long element, int target)
    {
        var most = (int)Math.Max(1, _scratch.Length / _width / side.Stride);
        for (var done = 0; done < side.Size; done += most)
        {
            var part = side with { Size = Math.Min(most, side.Size - done) };
            var bytes = (int)((part.Size - 1) * side.Stride + 1) * _width;
            _read((element + done * side.Stride) * _width, _scratch[..bytes]);
            Scatter(part, 0, target + done * side.TargetBytes);
        }
    }

    private readonly void Scatter(int first, long source, int target)
    {
        var side = _sides[first];
        if (first == _sideCount - 1)
        {
            Scatter(side, source, target);
            return;
        }

        for (var i = 0; i < side.Size; i++) Scatter(first + 1, source + i * side.Stride * _width, target + i * side.TargetBytes);
    }

    private readonly void Scatter(Side side, long source, int target)
    {
        for (var i = 0; i < side.Size; i++)
        {
            _scratch.Slice((int)(source + i * side.Stride * _width), _width).CopyTo(_destination[(target + i * side.TargetBytes)..]);
        }
    }

    /// <summary>Whether what the sides span lies without gaps both in the storage and in the destination.</summary>
    private readonly bool IsRun(int first, out int bytes)
    {
        bytes = _width;
        for (var i = _sideCount - 1; i >= first; i--)
        {
            if (_sides[i].TargetBytes != bytes || _sides[i].Stride * _width != bytes) return false;
            bytes *= _sides[i].Size;
        }

        return true;
    }

    private readonly long SpanBytes(int first)
    {
        long last = 0;
        for (var i = first; i < _sideCount; i++) last += (_sides[i].Size - 1) * _sides[i].Stride;
        return (last + 1) * _width;
    }

    /// <param name="Size">Elements along it.</param>
    /// <param name="Stride">From one to the next in the storage, in elements.</param>
    /// <param name="TargetBytes">From one to the next in the destination, in bytes.</param>
    private readonly record struct Side(int Size, long Stride, int TargetBytes);
}
