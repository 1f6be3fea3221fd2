using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// The bytes of pickles in a row, through a window: from a file, from a record of an archive, inflated as they are needed, or from memory. Only reading
/// a pickle tells where it ends, and behind those of a legacy file come gigabytes of weights.
/// </summary>
internal sealed class PickleInput : IDisposable
{
    /// <summary>A checkpoint of 100,000 tensors has a pickle of 15 MB. The same limit as safetensors sets for its header.</summary>
    public const int MaxBytes = 100_000_000;

    private const int FetchBytes = 64 << 10;
    private const int LookBytes = 512;

    // Inflating a byte takes about a nanosecond.
    private const int BytesPerStep = 8;

    private readonly Ledger _ledger;
    private readonly Fetcher? _fetch;
    private readonly IDisposable? _source;
    private readonly bool _isStored;
    private byte[] _buffer;
    private int _next;
    private int _filled;
    private long _fetched;
    private long _unfetched;
    private int _leastFetch = FetchBytes;

    /// <summary>Pickles that are in memory.</summary>
    public PickleInput(byte[] bytes, Ledger ledger) =>
        (_buffer, _filled, _fetched, _ledger, Shortage) = (bytes, bytes.Length, bytes.Length, ledger, CheckpointError.Malformed);

    /// <summary>Pickles at the start of a file, of <see cref="MaxBytes"/> together.</summary>
    public PickleInput(SourceFile file, Ledger ledger)
        : this(Math.Min(file.Length, MaxBytes), ledger)
    {
        (_fetch, _isStored) = ((position, bytes) => file.ReadUncounted(position, bytes, "its pickles"), true);
        Shortage = file.Length > MaxBytes ? CheckpointError.LimitExceeded : CheckpointError.Truncated;
    }

    /// <summary>A pickle that is a record of its own, or a stretch of a file, deflated or not.</summary>
    /// <param name="file">The file.</param>
    /// <param name="record">Where in it.</param>
    /// <param name="ledger">Charged for what is read.</param>
    /// <param name="isLook">Whether few bytes tell, mostly, that it is none: of thousands of files a window each would be much.</param>
    public PickleInput(SourceFile file, StorageEntry record, Ledger ledger, bool isLook = false)
        : this(record.Bytes, ledger)
    {
        _leastFetch = isLook ? LookBytes : FetchBytes;
        Shortage = CheckpointError.Malformed;
        if (record.IsMappable) (_fetch, _isStored) = ((position, bytes) => file.ReadUncounted(record.Position + position, bytes, "its pickle"), true);
        else
        {
            // As much as pickles are deflated. What inflates to more is no reason for it, nor is what lies behind its end.
            var compressed = record.CompressedBytes!.Value;
            ledger.Read(Math.Min(InflatingReads.HonestRatio * Math.Min(compressed, record.Bytes), record.Bytes));
            ledger.Work(InflatingReads.StepsFor(record));
            var inflating = new InflatingReads.InProgress(file.Reads, file.Handle, record, ledger.Blocks);
            (_source, _fetch) = (inflating, (_, bytes) => inflating.Fill(bytes));
        }
    }

    private PickleInput(long bytes, Ledger ledger) => (_buffer, _unfetched, _ledger) = (new byte[Math.Min(FetchBytes, bytes)], bytes, ledger);

    private delegate void Fetcher(long position, Span<byte> bytes);

    /// <summary>Bytes taken so far.</summary>
    public long Position => _fetched - (_filled - _next);

    /// <summary>Bytes that can still be taken.</summary>
    public long Left => _filled - _next + _unfetched;

    /// <summary>What is wrong with an input that ends inside a pickle.</summary>
    public CheckpointError Shortage { get; }

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
        if (!TryPeekLine(out line)) return false;
        _next += line.Length + 1;
        return true;
    }

    /// <summary>Goes on behind bytes that nobody needs, of a file, without reading them; <paramref name="count"/> must not be more than is <see cref="Left"/>.</summary>
    public void Skip(long count)
    {
        var near = (int)Math.Min(count, _filled - _next);
        _next += near;
        _fetched += count - near;
        _unfetched -= count - near;
    }

    /// <summary>Goes behind the next line break, however far it is; false if there is none.</summary>
    public bool TrySkipLine()
    {
        while (Left > 0)
        {
            if (TryTakeLine(out _)) return true;
            Take((int)Math.Min(FetchBytes, Left));
        }

        return false;
    }

    /// <summary>The bytes up to a line break; false if none is near, and then as many as are near.</summary>
    public bool TryPeekLine(out ReadOnlySpan<byte> line)
    {
        var near = (int)Math.Min(FetchBytes, Left);
        var length = _buffer.AsSpan(_next, Math.Min(near, _filled - _next)).IndexOf((byte)'\n');
        if (length < 0 && near > _filled - _next)
        {
            Fetch(near);
            length = _buffer.AsSpan(_next, near).IndexOf((byte)'\n');
        }

        line = _buffer.AsSpan(_next, length < 0 ? near : length);
        return length >= 0;
    }

    public void Dispose() => _source?.Dispose();

    private void Fetch(int count)
    {
        var rest = _buffer.AsSpan(_next, _filled - _next);
        var more = (int)Math.Min(Math.Max(count, Math.Min(_leastFetch, _buffer.Length)) - rest.Length, _unfetched);
        _leastFetch = FetchBytes;
        if (_isStored) _ledger.Read(more);
        if (count > _buffer.Length) _ledger.Charge(count);
        var buffer = count > _buffer.Length ? new byte[count] : _buffer;
        rest.CopyTo(buffer);
        (_buffer, _next, _filled) = (buffer, 0, rest.Length);

        _ledger.Work(more / BytesPerStep);
        _fetch!(_fetched, _buffer.AsSpan(_filled, more));
        _filled += more;
        _fetched += more;
        _unfetched -= more;
    }
}
