using Loadline.Checkpoints.Deflate;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>
/// Reads from deflated records. Deflate knows no positions: a read continues where an earlier one of the same record ended, or starts over.
/// A few records are kept in progress, so that readers of different tensors do not send each other back to the start.
/// </summary>
internal sealed class InflatingReads(PositionedReads reads) : IDisposable
{
    /// <summary>Records that can be read in turn.</summary>
    public const int MaxInProgress = 4;

    /// <summary>As much as pickles and code are deflated by whoever means no harm: what inflates to more buys nothing by it.</summary>
    public const int HonestRatio = 8;

    // Of blocks without contents, or of long words: 20 ns.
    private const int MostStepsPerByte = 3;

    // What it takes to begin with a record that has room for them: its first block's codes, and for what its matches reach back to.
    private const int StepsToBegin = 1200;

    private readonly List<InProgress> _latestLast = [];
    private BlockAllowance _blocks = new();

    /// <summary>What inflating a record may take beside what comes of it, in steps of a <see cref="Ledger"/>: no more than to begin with it where it is deflated well.</summary>
    public static long StepsFor(StorageEntry record) =>
        StepsToBeginWith(record) + Math.Max(0, MostStepsPerByte * Math.Min(record.CompressedBytes ?? 0, int.MaxValue) - record.Bytes);

    /// <summary>Whoever reads all of it begins: the blocks that streams may have are each reading's, however many there are of them.</summary>
    public void Begin()
    {
        lock (_latestLast) _blocks = new BlockAllowance();
    }

    public void Read(SafeFileHandle handle, StorageEntry storage, long offset, Span<byte> destination)
    {
        lock (_latestLast)
        {
            var record = Take(storage, offset) ?? new InProgress(reads, handle, storage, _blocks);
            try
            {
                record.SkipTo(offset);
                record.Fill(destination);
            }
            catch
            {
                record.Dispose();
                throw;
            }

            _latestLast.Add(record);
            if (_latestLast.Count <= MaxInProgress) return;
            _latestLast[0].Dispose();
            _latestLast.RemoveAt(0);
        }
    }

    /// <summary>Inflates a whole record of known size.</summary>
    public static void ReadAll(SourceFile file, StorageEntry storage, Span<byte> destination)
    {
        file.Ledger.Work(StepsToBeginWith(storage));
        using var record = new InProgress(file.Reads, file.Handle, storage, file.Ledger.Blocks);
        record.Fill(destination);
    }

    // Each file of torch.save's that was deflated has two of some bytes.
    private static long StepsToBeginWith(StorageEntry record) => record.CompressedBytes < Inflater.LeastBytesOfBlock ? 0 : StepsToBegin;

    public void Dispose()
    {
        lock (_latestLast)
        {
            foreach (var record in _latestLast) record.Dispose();
            _latestLast.Clear();
        }
    }

    private InProgress? Take(StorageEntry storage, long offset)
    {
        var index = _latestLast.FindIndex(r => r.Storage == storage && r.Position <= offset);
        if (index < 0) return null;
        var record = _latestLast[index];
        _latestLast.RemoveAt(index);
        return record;
    }

    /// <summary>A deflated record being inflated, from its start to its end.</summary>
    internal sealed class InProgress : IDisposable
    {
        private readonly Inflater _inflater;
        private readonly SafeFileHandle _handle;

        public InProgress(PositionedReads reads, SafeFileHandle handle, StorageEntry storage, BlockAllowance blocks)
        {
            (_handle, Storage) = (handle, storage);
            // The stream outlives the call that made it, and another file's eviction must not close the handle beneath it.
            var added = false;
            handle.DangerousAddRef(ref added);
            var compressedBytes = storage.CompressedBytes!.Value;
            _inflater = new Inflater(new RangeStream(reads, handle, storage.File, storage.Position, compressedBytes), compressedBytes, storage.Bytes, blocks);
        }

        public StorageEntry Storage { get; }

        public long Position { get; private set; }

        public void SkipTo(long offset)
        {
            Span<byte> scratch = stackalloc byte[8192];
            while (Position < offset) Fill(scratch[..(int)Math.Min(scratch.Length, offset - Position)]);
        }

        public void Fill(Span<byte> destination)
        {
            while (!destination.IsEmpty)
            {
                var count = Inflate(destination);
                if (count == 0) throw Refuse($"ends after {Position} of {Storage.Bytes} bytes");
                Position += count;
                destination = destination[count..];
            }

            // Its end is a part of it, as it is for PyTorch.
            if (Position == Storage.Bytes) Inflate(stackalloc byte[1]);
        }

        public void Dispose() => _handle.DangerousRelease();

        private int Inflate(Span<byte> destination)
        {
            try
            {
                return _inflater.Read(destination);
            }
            catch (InvalidDataException wrong)
            {
                throw Refuse($"{wrong.Message} after {Position} of {Storage.Bytes} bytes");
            }
        }

        private CheckpointException Refuse(string problem) =>
            new(CheckpointError.Malformed, Storage.File, $"the compressed record at {Storage.Position} {problem}");
    }
}
