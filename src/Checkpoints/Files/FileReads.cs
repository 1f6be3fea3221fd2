using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>Reads from a checkpoint's files, with the files' handles. Any number of threads may read at once.</summary>
internal sealed class FileReads : IDisposable
{
    private readonly Dictionary<string, FileVersion> _versions = [];
    private readonly PositionedReads _reads;
    private readonly InflatingReads _inflating;
    private readonly OpenFiles _files;
    private readonly OpenFiles _directFiles;
    private ReadPolicy _policy;
    private volatile bool _refusesDirect;
    private long _directBytes;

    public FileReads(PositionedReads reads)
    {
        (_reads, _inflating) = (reads, new InflatingReads(reads));
        _files = new OpenFiles(path => Advised(Reopen(path)));
        _directFiles = new OpenFiles(path => _files.With(path, OpenDirect));
    }

    /// <summary>Takes over the handle through which the file's headers were read.</summary>
    public FileReads(SourceFile source)
        : this(source.Reads)
    {
        Expect(source);
        _files.Keep(source.Path, Advised(source.HandOver()));
    }

    /// <summary>What reads ask of the page cache.</summary>
    public ReadPolicy Policy
    {
        get => _policy;
        set
        {
            _policy = value;
            _files.ForEach(handle => Advised(handle));
        }
    }

    /// <summary>What was read past the page cache, with headers between weights, and twice the blocks that two reads share.</summary>
    public long DirectBytes => Volatile.Read(ref _directBytes);

    /// <inheritdoc cref="InflatingReads.Begin"/>
    public void Begin() => _inflating.Begin();

    /// <summary>Remembers a file that will be opened again: it has to be the one whose headers were read.</summary>
    public void Expect(SourceFile source) => _versions[source.Path] = source.Version;

    /// <summary>Opens a file for reading, or says in one line why that cannot be.</summary>
    /// <exception cref="CheckpointException">There is no such file, or it cannot be opened.</exception>
    public static SafeFileHandle OpenForReading(string path) => SourceFile.OpenHandle(path);

    /// <summary>Fills <paramref name="destination"/> with the storage's bytes from <paramref name="offset"/> on.</summary>
    /// <exception cref="CheckpointException">The file became shorter or cannot be read.</exception>
    public void Read(StorageEntry storage, long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, storage.Bytes - offset);
        if (destination.IsEmpty) return;
        if (storage.Inline is { } bytes)
        {
            bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
            return;
        }

        if (storage.Assembled is { } parts)
        {
            parts.Read(offset, destination, Read);
            return;
        }

        var handle = _files.Rent(storage.File);
        try
        {
            if (storage.IsMappable)
            {
                _reads.Fill(handle, storage.File, storage.Position + offset, destination);
                if (_policy.DropsBehind) DropBehind(handle, storage.Position + offset, destination.Length);
            }
            else _inflating.Read(handle, storage, offset, destination);
        }
        finally
        {
            handle.DangerousRelease();
        }
    }

    /// <summary>Fills memory with a file's bytes, headers and all, past the page cache.</summary>
    /// <param name="path">One of the checkpoint's files.</param>
    /// <param name="position">Where they begin: a multiple of <see cref="ReadPolicy.DirectAlignment"/>.</param>
    /// <param name="destination">Where they go: its address and length are such multiples, too.</param>
    /// <param name="needed">How many there must be: the file may end before the destination does.</param>
    /// <returns>False where the policy or the file system does not want that: read them otherwise.</returns>
    /// <exception cref="CheckpointException">The file became shorter.</exception>
    public bool TryReadDirect(string path, long position, Span<byte> destination, int needed)
    {
        if (!_policy.ReadsDirect || _refusesDirect) return false;
        try
        {
            var handle = _directFiles.Rent(path);
            try
            {
                _reads.FillDirect(handle, path, position, destination, needed);
                Interlocked.Add(ref _directBytes, needed);
                return true;
            }
            finally
            {
                handle.DangerousRelease();
            }
        }
        catch (CheckpointException e) when (e.Error is CheckpointError.Unreadable or CheckpointError.NotFound)
        {
            // Some file systems refuse to open, others to read; a disk that is broken says so to the reads that come instead.
            _refusesDirect = true;
            return false;
        }
    }

    /// <summary>Which file reads come from, whatever has its name by now.</summary>
    public FileIdentity? IdentityOf(string path) => _files.With(path, handle => FileIdentity.Of($"/proc/self/fd/{handle.DangerousGetHandle()}"));

    /// <summary>Maps the very file that reads come from.</summary>
    /// <exception cref="CheckpointException">The file was changed, or cannot be mapped.</exception>
    public FileMapping Map(string path, MappingAccess access) => _files.With(path, handle => FileMapping.Open(path, handle, access));

    /// <summary>Brings bytes into a mapping of one of the files.</summary>
    public bool TryPopulate(FileMapping mapping, long position, long bytes) => _reads.TryPopulate(mapping, position, bytes);

    /// <summary>Refuses a file that has ended before a position since its headers were read: the rest of its last page would read as zeros.</summary>
    /// <exception cref="CheckpointException">It is shorter.</exception>
    public void RequireLength(string path, long end)
    {
        var bytes = _files.With(path, handle => FileVersion.Of(path, handle).Bytes);
        if (bytes < end) throw new CheckpointException(CheckpointError.Truncated, path, $"became shorter: expected {end} bytes, found {bytes}; was the file replaced or cut?");
    }

    /// <summary>Lets a range that nobody here needs again go out of the page cache, if the policy is to do so. Pages that are mapped stay.</summary>
    public void DropBehind(string path, long position, long bytes)
    {
        if (!_policy.DropsBehind) return;
        _files.With(path, handle =>
        {
            DropBehind(handle, position, bytes);
            return true;
        });
    }

    public void Dispose()
    {
        _files.Dispose();
        _directFiles.Dispose();
        _inflating.Dispose();
    }

    // The very file, also where another one has its name by now.
    private static SafeFileHandle OpenDirect(SafeFileHandle file) => SourceFile.OpenHandle($"/proc/self/fd/{file.DangerousGetHandle()}", Libc.OpenDirect);

    private SafeFileHandle Reopen(string path)
    {
        var handle = OpenForReading(path);
        try
        {
            if (_versions.TryGetValue(path, out var expected)) expected.Require(path, handle);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    // Without any advice the kernel reads ahead as well, for as long as it has room; but readers that take turns confuse it.
    private SafeFileHandle Advised(SafeFileHandle handle)
    {
        _ = Libc.posix_fadvise(handle, 0, 0, _policy.ReadsAhead ? Libc.FileAdviceSequential : Libc.FileAdviceRandom);
        return handle;
    }

    // Each folio with the read that reaches its end.
    private static void DropBehind(SafeFileHandle handle, long position, long bytes)
    {
        var (start, end) = (position / ReadSizes.FolioBytes * ReadSizes.FolioBytes, (position + bytes) / ReadSizes.FolioBytes * ReadSizes.FolioBytes);
        if (end > start) _ = Libc.posix_fadvise(handle, start, end - start, Libc.FileAdviceDontNeed);
    }
}
