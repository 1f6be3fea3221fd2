using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// The bytes of pickles in a row: all of them at hand, or fetched from a file as far as the pickles turn out to reach. Only reading a pickle tells
/// where it ends, and behind those of a legacy file come gigabytes of weights.
/// </summary>
internal sealed class PickleInput
{
    /// <summary>A checkpoint of 100,000 tensors has a pickle of 15 MB. The same limit as safetensors sets for its header.</summary>
    public const int MaxBytes = 100_000_000;

    private const int FetchBytes = 64 << 10;

    private readonly SourceFile? _file;
    private byte[] _buffer;
    private int _next;
    private int _filled;
    private long _fetched;
    private long _unfetched;

    /// <summary>Pickles that are in memory.</summary>
    public PickleInput(byte[] bytes) => (_buffer, _filled, _fetched) = (bytes, bytes.Length, bytes.Length);

    /// <summary>Pickles at the start of a file, of <see cref="MaxBytes"/> together.</summary>
    public PickleInput(SourceFile file) => (_file, _buffer, _unfetched) = (file, new byte[FetchBytes], Math.Min(file.Length, MaxBytes));

    /// <summary>Bytes taken so far.</summary>
    public long Position => _fetched - (_filled - _next);

    /// <summary>Bytes that can still be taken.</summary>
    public long Left => _filled - _next + _unfetched;

    /// <summary>What is wrong with an input that ends inside a pickle.</summary>
    public CheckpointError Shortage =>
        _file is null ? CheckpointError.Malformed : _file.Length > MaxBytes ? CheckpointError.LimitExceeded : CheckpointError.Truncated;

    /// <summary>The next bytes, good until the next call; <paramref name="count"/> must not be more than is <see cref="Left"/>.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > _filled - _next) Fetch(count);
        _next += count;
        return _buffer.AsSpan(_next - count, count);
    }

    /// <summary>The bytes up to a line break, which is taken too; false if none is near.</summary>
    public bool TryTakeLine(out ReadOnlySpan<byte> line)
    {
        var near = (int)Math.Min(FetchBytes, Left);
        if (near > _filled - _next) Fetch(near);
        var length = _buffer.AsSpan(_next, near).IndexOf((byte)'\n');
        line = length < 0 ? default : Take(length + 1)[..length];
        return length >= 0;
    }

    private void Fetch(int count)
    {
        var rest = _buffer.AsSpan(_next, _filled - _next);
        var buffer = count > _buffer.Length ? new byte[count] : _buffer;
        rest.CopyTo(buffer);
        (_buffer, _next, _filled) = (buffer, 0, rest.Length);

        var more = (int)Math.Min(_buffer.Length - _filled, _unfetched);
        _file!.Read(_fetched, _buffer.AsSpan(_filled, more), "its pickles");
        _filled += more;
        _fetched += more;
        _unfetched -= more;
    }
}
