using System.Buffers;
using System.Text;

namespace Loadline.Harness.Runtimes;

/// <summary>Cuts a stream of bytes into lines of text, however the pieces arrive. Both <c>\n</c> and <c>\r\n</c> end a line.</summary>
/// <param name="onLine">Gets each line without its end. Bytes that are no UTF-8 arrive as U+FFFD.</param>
internal sealed class LineSplitter(Action<string> onLine)
{
    /// <summary>A program that never ends its line must not grow the harness: longer lines arrive in pieces.</summary>
    public const int MaxLineBytes = 1 << 20;

    private readonly ArrayBufferWriter<byte> _line = new();
    private volatile bool _isHandingOn;
    private long _takenBytes;

    /// <summary>Whether somebody takes a line right now: a pager may take long, which is no fault of the program.</summary>
    public bool IsHandingOn => _isHandingOn;

    /// <summary>All bytes that came until now.</summary>
    public long TakenBytes => Volatile.Read(ref _takenBytes);

    /// <summary>Takes the next bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        Volatile.Write(ref _takenBytes, _takenBytes + bytes.Length);
        for (var end = bytes.IndexOf((byte)'\n'); end >= 0; end = bytes.IndexOf((byte)'\n'))
        {
            Collect(bytes[..end]);
            Emit();
            bytes = bytes[(end + 1)..];
        }

        Collect(bytes);
    }

    /// <summary>The stream has ended: a last line without its newline is a line.</summary>
    public void Complete()
    {
        if (_line.WrittenCount > 0) Emit();
    }

    /// <summary>Reads a stream to its end, line by line.</summary>
    public async Task ReadAsync(Stream stream, CancellationToken cancellation)
    {
        var buffer = new byte[16 << 10];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellation)) > 0) Append(buffer.AsSpan(0, read));
        Complete();
    }

    private void Collect(ReadOnlySpan<byte> bytes)
    {
        while (_line.WrittenCount + bytes.Length > MaxLineBytes)
        {
            var room = MaxLineBytes - _line.WrittenCount;
            _line.Write(bytes[..room]);
            var begun = _line.WrittenSpan[^BegunBytes(_line.WrittenSpan)..].ToArray();
            Emit(begun.Length);
            _line.Write(begun);
            bytes = bytes[room..];
        }

        _line.Write(bytes);
    }

    // Of a character of several bytes at the end, which the next piece is to have whole.
    private static int BegunBytes(ReadOnlySpan<byte> bytes)
    {
        for (var i = 1; i <= 3; i++)
        {
            if (bytes[^i] < 0x80) return 0;
            if (bytes[^i] >= 0xC0) return bytes[^i] >= (i switch { 1 => 0xC0, 2 => 0xE0, _ => 0xF0 }) ? i : 0;
        }

        return 0;
    }

    private void Emit(int keptBytes = 0)
    {
        var bytes = _line.WrittenSpan[..^keptBytes];
        if (bytes is [.., (byte)'\r']) bytes = bytes[..^1];
        var text = Encoding.UTF8.GetString(bytes);
        _line.ResetWrittenCount();
        _isHandingOn = true;
        onLine(text);
        _isHandingOn = false;
    }
}
