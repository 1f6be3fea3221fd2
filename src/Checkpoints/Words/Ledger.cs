namespace Loadline.Checkpoints;

/// <summary>
/// What opening one checkpoint may cost: memory on the managed heap, and steps of work. Both are measured against the bytes that its files have on the
/// disk, whatever they inflate to; whatever grows with contents, or loops over them, is charged here before it happens. A thousand small files have what
/// is free but once.
/// </summary>
internal sealed class Ledger
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

    private long _bytesLeft = FreeBytes;
    private long _stepsLeft = FreeSteps;
    private long _fileBytes;
    private int _files;
    private string _path = "";

    /// <summary>Takes in a file, which justifies some more; it is the one that errors name from here on.</summary>
    public void Add(string path, long fileBytes)
    {
        var more = Math.Min(fileBytes, MaxFileBytes - Math.Min(_fileBytes, MaxFileBytes));
        (_path, _files, _fileBytes) = (path, _files + 1, _fileBytes + fileBytes);
        _bytesLeft += BytesPerFileByte * more;
        _stepsLeft += StepsPerFileByte * more;
    }

    /// <summary>Takes memory that stays, or garbage that is made again and again.</summary>
    /// <exception cref="CheckpointException">The files do not justify it.</exception>
    public void Charge(long bytes)
    {
        _bytesLeft -= bytes;
        if (_bytesLeft < 0) throw Refuse("describes more values");
    }

    /// <summary>Gives back what was charged too much.</summary>
    public void Refund(long bytes) => _bytesLeft += bytes;

    /// <summary>Counts work: a step is about what one opcode takes.</summary>
    /// <exception cref="CheckpointException">The files do not justify it.</exception>
    public void Work(long steps)
    {
        _stepsLeft -= steps;
        if (_stepsLeft < 0) throw Refuse("takes more work to read");
    }

    private CheckpointException Refuse(string problem)
    {
        var whose = _files == 1 ? "a file of its length needs, " : $"{_files} files of this checkpoint need, together ";
        return new CheckpointException(CheckpointError.LimitExceeded, _path, $"{problem} than {whose}{ByteSize.Format(_fileBytes)}");
    }
}
