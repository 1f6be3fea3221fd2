namespace Loadline.Checkpoints;

/// <summary>
/// What opening one checkpoint may cost: memory on the managed heap, and steps of work. Both are measured against the bytes that its files have, whatever
/// these inflate to, and against those that were read to learn what is in them: weights and holes are no reason for work. Whatever grows with contents, or
/// loops over them, is charged here before it happens. A thousand small files have what is free but once.
/// </summary>
internal sealed class Ledger
{
    // The promise is 64 MiB and 8 times the file, for all that a process does with a checkpoint. What is left is the process's own, and room for what the
    // collector has not freed yet.
    private const long FreeBytes = 32 * ByteSize.MiB;
    private const int BytesPerFileByte = 6;

    // A tensor of PyTorch's takes 1.2 KB, and 130 bytes of directory, header and pickle where names are short.
    private const int BytesPerByteRead = 16;

    // A step takes some nanoseconds: a tenth of a second in all, and less than the disk takes for the file.
    private const long FreeSteps = 16_000_000;
    private const int StepsPerFileByte = 4;
    private const int StepsPerByteRead = 3;

    /// <summary>What it takes to look at a value that lies anywhere in memory: of a long list looked through again none is near.</summary>
    public const int StepsPerLook = 5;

    // Two of the longest pickles.
    private const long MaxFileBytes = 200_000_000;

    private long _bytesLeft = FreeBytes;
    private long _stepsLeft = FreeSteps;
    private long _grantedBytes;
    private long _grantedSteps;
    private long _fileBytes;
    private long _bytesRead;
    private int _files;
    private HashSet<string>? _known;
    private string _path = "";

    /// <summary>
    /// For looks at what a file might be besides: what they cost is nothing that its reader has to answer for. One for all files, of which there may be thousands,
    /// and no more for their bytes: such a look ends after a few, or is at what no writer makes.
    /// </summary>
    public Ledger ForGuesses => field ??= new Ledger();

    /// <summary>For the deflated records that are read to learn what is in a checkpoint.</summary>
    public BlockAllowance Blocks => field ??= new BlockAllowance();

    /// <summary>Whether it has refused already: there is nothing left for anything.</summary>
    public bool IsSpent => _bytesLeft < 0 || _stepsLeft < 0;

    /// <summary>The steps that there are for what was read so far.</summary>
    public long Granted => FreeSteps + _grantedSteps;

    /// <summary>The steps that were taken so far, the one that was refused included.</summary>
    public long Taken => Granted - _stepsLeft;

    /// <summary>The file that errors name.</summary>
    public string Path => _path;

    /// <summary>Takes in a file; it is the one that errors name from here on. One that has come before by another name brings nothing.</summary>
    public void Add(string path, long fileBytes)
    {
        if (_files == 1) IsNew(_path);
        if (_files >= 1 && !IsNew(path)) fileBytes = 0;
        (_path, _files) = (path, _files + 1);
        _fileBytes += Math.Min(fileBytes, MaxFileBytes - _fileBytes);
        Grant();
    }

    /// <summary>Takes in the length of a file that is a part of the checkpoint and may be read later: it justifies a description as much as what is read first.</summary>
    public void Expect(string path, long fileBytes)
    {
        if (_files == 1) IsNew(_path);
        if (!IsNew(path)) return;
        _fileBytes += Math.Min(fileBytes, MaxFileBytes - _fileBytes);
        Grant();
    }

    /// <summary>Takes in bytes that are read of the files, but for weights: all together at most as many as the files have, however often they are read.</summary>
    public void Read(long bytes)
    {
        _bytesRead += Math.Min(bytes, _fileBytes - _bytesRead);
        Grant();
    }

    /// <summary>Takes memory that stays, or garbage that is made again and again.</summary>
    /// <exception cref="CheckpointException">What was read does not justify it.</exception>
    public void Charge(long bytes)
    {
        _bytesLeft -= bytes;
        if (_bytesLeft < 0) throw Refuse("describes more values");
    }

    /// <summary>Gives back what was charged too much.</summary>
    public void Refund(long bytes) => _bytesLeft += bytes;

    /// <summary>Counts work: a step is about what one opcode takes.</summary>
    /// <exception cref="CheckpointException">What was read does not justify it.</exception>
    public void Work(long steps)
    {
        _stepsLeft -= steps;
        if (_stepsLeft < 0) throw Refuse("takes more work to read");
    }

    private bool IsNew(string path) => FileIdentity.Of(path) is not { } identity || (_known ??= []).Add(identity.File);

    private void Grant()
    {
        var (bytes, steps) = (Math.Min(BytesPerFileByte * _fileBytes, BytesPerByteRead * _bytesRead), Math.Min(StepsPerFileByte * _fileBytes, StepsPerByteRead * _bytesRead));
        _bytesLeft += bytes - _grantedBytes;
        _stepsLeft += steps - _grantedSteps;
        (_grantedBytes, _grantedSteps) = (bytes, steps);
    }

    private CheckpointException Refuse(string problem)
    {
        var whose = _files == 1 ? "its descriptions need, " : $"the descriptions in {_files} files of this checkpoint need, together ";
        return new CheckpointException(CheckpointError.LimitExceeded, _path, $"{problem} than {whose}{ByteSize.Format(_bytesRead)}");
    }
}
