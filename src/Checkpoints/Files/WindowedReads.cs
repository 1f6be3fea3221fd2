using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>
/// Short reads that lie near each other, out of one longer read: a small archive takes a dozen of them, and a file may hold a hundred thousand such archives. For one
/// reader, and while headers are read: what it has read is not read again.
/// </summary>
internal sealed class WindowedReads(PositionedReads inner) : PositionedReads
{
    /// <summary>What is read at once.</summary>
    public const int WindowBytes = 64 * (int)ByteSize.KiB;

    private byte[]? _window;
    private long _start;
    private int _filled;

    /// <inheritdoc/>
    protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination)
    {
        if (destination.Length >= WindowBytes) return inner.ReadOnce(file, position, destination);
        if (position < _start || position >= _start + _filled)
        {
            _window ??= new byte[WindowBytes];
            (_start, _filled) = (position, 0);
            _filled = inner.ReadOnce(file, position, _window);
        }

        var here = _window.AsSpan((int)(position - _start), (int)Math.Min(destination.Length, _start + _filled - position));
        here.CopyTo(destination);
        return here.Length;
    }
}
