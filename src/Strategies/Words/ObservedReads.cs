using System.Runtime.ExceptionServices;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Strategies.Words;

/// <summary>Reads that can be cancelled and that tell how far they are. With a stream, they are the stream's.</summary>
/// <param name="stream">Where bytes come from instead of from the file; null for the file's own.</param>
/// <param name="progress">Is told; null for nobody.</param>
/// <param name="cancellation">Ends the load with the next read.</param>
internal sealed class ObservedReads(Stream? stream, IProgress<LoadProgress>? progress, CancellationToken cancellation) : PositionedReads
{
    private const long ReportBytes = 8 * ByteSize.MiB;

    private readonly Lock _reading = new();
    private readonly Lock _telling = new();
    private (long Position, long End, string Name)[] _tensors = [];
    private long _totalBytes;
    private long _doneBytes;
    private long _toldBytes;
    private ExceptionDispatchInfo? _failure;

    /// <summary>What is read so far were headers; from here on it is weights.</summary>
    /// <param name="entries">The tensors to come.</param>
    /// <param name="isOneFile">Whether a position tells the tensor.</param>
    public void Begin(IReadOnlyList<TensorEntry> entries, bool isOneFile)
    {
        if (progress is null) return;
        var storages = entries.DistinctBy(e => e.Storage).ToList();
        _totalBytes = storages.Sum(e => e.Storage.Bytes);
        if (isOneFile) _tensors = [.. storages.Select(e => (e.Storage.Position, e.Storage.Position + (e.Storage.CompressedBytes ?? e.Storage.Bytes), e.Name))
            .OrderBy(t => t.Position)];
        (_doneBytes, _toldBytes) = (0, 0);
        progress.Report(new LoadProgress(0, _totalBytes, null));
    }

    /// <summary>Everything is in place: also what was mapped, and not read.</summary>
    public void End() => progress?.Report(new LoadProgress(_totalBytes, _totalBytes, null));

    /// <inheritdoc/>
    public override bool TryPopulate(FileMapping mapping, long position, long bytes)
    {
        ThrowIfNobodyWaits();
        var isThere = base.TryPopulate(mapping, position, bytes);
        if (isThere && _totalBytes > 0) Tell(position, bytes);
        return isThere;
    }

    /// <inheritdoc/>
    protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination)
    {
        ThrowIfNobodyWaits();
        var count = stream is null ? base.ReadSome(file, position, destination) : ReadFrom(stream, position, destination);
        if (_totalBytes > 0) Tell(position, count);
        return count;
    }

    /// <summary>What whoever is told has thrown, as that; the reads that it ended say that they were cancelled.</summary>
    public void ThrowIfTellingFailed() => _failure?.Throw();

    private void ThrowIfNobodyWaits()
    {
        cancellation.ThrowIfCancellationRequested();
        if (_failure is not null) throw new OperationCanceledException("whoever is told how far the load is has failed");
    }

    // From within a read an exception would be taken for the disk's.
    private void Report(LoadProgress report)
    {
        try
        {
            progress!.Report(report);
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
            ThrowIfNobodyWaits();
        }
    }

    private int ReadFrom(Stream source, long position, Span<byte> destination)
    {
        // A stream has one position, which several readers would move under each other.
        lock (_reading)
        {
            source.Position = position;
            return source.Read(destination);
        }
    }

    private void Tell(long position, long count)
    {
        lock (_telling)
        {
            _doneBytes += count;
            // What is deflated is read shorter than it is, what is compared before it is loaded is read twice.
            var done = Math.Min(_doneBytes, _totalBytes);
            if (done - _toldBytes < ReportBytes) return;
            _toldBytes = done;
            Report(new LoadProgress(done, _totalBytes, NameAt(position + count - 1)));
        }
    }

    private string? NameAt(long position)
    {
        var (low, high) = (0, _tensors.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (position < _tensors[middle].Position) high = middle - 1;
            else if (position >= _tensors[middle].End) low = middle + 1;
            else return _tensors[middle].Name;
        }

        return null;
    }
}
