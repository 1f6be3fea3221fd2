namespace Loadline.Checkpoints;

/// <summary>
/// What reading one file may cost: memory on the managed heap, and steps of work. Both are measured against the bytes that the file has on the disk,
/// whatever they inflate to; whatever grows with contents, or loops over them, is charged here before it happens.
/// </summary>
/// <param name="path">The file, for errors.</param>
/// <param name="fileBytes">Its length on the disk.</param>
internal sealed class Ledger(string path, long fileBytes)
{
    // The promise is 64 MiB and 8 times the file, for all that a process does with a checkpoint. What is left is the process's own, and room for what the
    // collector has not freed yet.
    private const long FreeBytes = 32 * ByteSize.MiB;
    private const int BytesPerFileByte = 6;

    // A step takes some nanoseconds: a tenth of a second in all, and less than the disk takes for the file.
    private const long FreeSteps = 16_000_000;
    private const int StepsPerFileByte = 4;

    // Two of the longest pickles: a file of many GiB of weights, or of holes, is no reason for more.
    private const long MaxFileBytes = 200_000_000;

    private readonly long _fileBytes = fileBytes;
    private long _bytesLeft = FreeBytes + BytesPerFileByte * Math.Min(fileBytes, MaxFileBytes);
    private long _stepsLeft = FreeSteps + StepsPerFileByte * Math.Min(fileBytes, MaxFileBytes);

    /// <summary>Takes memory that stays, or garbage that is made again and again.</summary>
    /// <exception cref="CheckpointException">The file does not justify it.</exception>
    public void Charge(long bytes)
    {
        _bytesLeft -= bytes;
        if (_bytesLeft < 0) throw Refuse("describes more values than a file of its length needs");
    }

    /// <summary>Gives back what was charged too much.</summary>
    public void Refund(long bytes) => _bytesLeft += bytes;

    /// <summary>Counts work: a step is about what one opcode takes.</summary>
    /// <exception cref="CheckpointException">The file does not justify it.</exception>
    public void Work(long steps)
    {
        _stepsLeft -= steps;
        if (_stepsLeft < 0) throw Refuse("takes more work to read than a file of its length needs");
    }

    private CheckpointException Refuse(string problem) => new(CheckpointError.LimitExceeded, path, $"{problem}, {ByteSize.Format(_fileBytes)}");
}
