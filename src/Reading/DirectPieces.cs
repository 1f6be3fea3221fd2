using System.Runtime.CompilerServices;
using Loadline.Checkpoints;

namespace Loadline.Reading;

/// <summary>
/// Fills memory of any address with bytes of any position, past the page cache. A disk writes whole blocks to whole blocks of memory: most of a piece is read
/// to where such blocks lie in its own memory, and shifted from there, by less than a block, to where it belongs. That takes no memory beside a piece's own
/// and moves bytes that the processor has in its cache. What is left at a piece's ends, and small tensors, come by way of a buffer. For one thread.
/// </summary>
/// <param name="source">The files.</param>
/// <param name="buffer">At least a block more than is worth a read of its own.</param>
internal ref struct DirectPieces(WeightSource source, Span<byte> buffer)
{
    private const int Block = ReadPolicy.DirectAlignment;

    private readonly Span<byte> _buffer = buffer[Shift(ref buffer[0])..];
    private string? _file;
    private long _start;
    private long _end;

    /// <summary>What a buffer should have: what costs about as much as a block to read, and a block more, to begin where one begins in memory.</summary>
    public const int BufferBytes = ReadSizes.StackBufferBytes + Block;

    /// <summary>Fills a piece's memory.</summary>
    /// <param name="piece">Which; it lies in its file as it will be in memory.</param>
    /// <param name="end">Where in the file the last byte ends that is to be read here, of this piece or another: so far the buffer reads on.</param>
    /// <returns>False where the file system does not read so: read it otherwise.</returns>
    /// <exception cref="CheckpointException">The file became shorter.</exception>
    public bool TryRead(Piece piece, long end)
    {
        var memory = piece.Memory;
        var head = (int)(-piece.Position & (Block - 1));
        if (memory.Length - head < _buffer.Length) return TryCopy(piece, piece.Position, memory, end);
        var shift = Shift(ref memory[0]);
        var whole = (memory.Length - Math.Max(head, shift)) / Block * Block;
        if (!source.TryReadDirect(piece.Layout, piece.Position + head, memory.Slice(shift, whole), whole)) return false;
        // Before the ends come: it may lie where they belong.
        if (shift != head) memory.Slice(shift, whole).CopyTo(memory[head..]);
        return TryCopy(piece, piece.Position, memory[..head], end) && TryCopy(piece, piece.Position + head + whole, memory[(head + whole)..], end);
    }

    // By way of the buffer, which keeps what it read beyond: the next tensor's beginning, or a few small ones.
    private bool TryCopy(Piece piece, long position, Span<byte> memory, long end)
    {
        while (!memory.IsEmpty)
        {
            if (_file != piece.Layout.Source.File || position < _start || position >= _end)
            {
                _file = null;
                var start = position / Block * Block;
                var needed = (int)Math.Min(end - start, _buffer.Length / Block * Block);
                if (!source.TryReadDirect(piece.Layout, start, _buffer[..ReadPolicy.WholeBlocks(needed)], needed)) return false;
                (_file, _start, _end) = (piece.Layout.Source.File, start, start + needed);
            }

            var bytes = (int)Math.Min(memory.Length, _end - position);
            _buffer.Slice((int)(position - _start), bytes).CopyTo(memory);
            memory = memory[bytes..];
            position += bytes;
        }

        return true;
    }

    // How many bytes behind an address the next block of memory begins. Memory that is read into is not moved: a stack's or the engine's.
    private static unsafe int Shift(ref byte first) => (int)(-(nint)Unsafe.AsPointer(ref first) & (Block - 1));
}
