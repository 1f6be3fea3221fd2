using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Dat;

/// <summary>Walks through the descriptions of tensors and skips the weights between them, of which it reads next to nothing.</summary>
internal sealed class DatCursor(SourceFile file)
{
    // The first bytes were read to find out the format.
    private byte[] _buffer = file.Head.ToArray();
    private int _buffered = file.Head.Length;
    private long _bufferPosition;
    private int _next;

    public long Position => _bufferPosition + _next;

    /// <summary>A ULEB128 number of at most 63 bits; <paramref name="what"/> says in errors what it was to be.</summary>
    public long ReadNumber(string what)
    {
        long number = 0;
        for (var shift = 0; shift < 63; shift += 7)
        {
            var part = Take(1, what)[0];
            number |= (part & 0x7FL) << shift;
            if ((part & 0x80) == 0) return number;
        }

        throw file.Refuse(CheckpointError.Malformed, $"{what} before {Position} has more than 63 bits");
    }

    /// <summary>The next bytes, good until the next call.</summary>
    public ReadOnlySpan<byte> Take(int count, string what)
    {
        if (count > _buffered - _next) Fetch(count, what);
        _next += count;
        return _buffer.AsSpan(_next - count, count);
    }

    /// <summary>Goes on behind bytes that are known to be there.</summary>
    public void Skip(long bytes)
    {
        if (bytes <= _buffered - _next) _next += (int)bytes;
        else (_bufferPosition, _buffered, _next) = (Position + bytes, 0, 0);
    }

    private void Fetch(int count, string what)
    {
        var position = Position;
        if (count > file.Length - position) throw file.Refuse(CheckpointError.Truncated, $"is cut short: it ends at {file.Length}, inside {what}");
        if (count > _buffer.Length) _buffer = new byte[count];
        (_bufferPosition, _buffered, _next) = (position, (int)Math.Min(_buffer.Length, file.Length - position), 0);
        file.Read(position, _buffer.AsSpan(0, _buffered), what);
    }
}
