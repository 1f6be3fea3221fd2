using Loadline.Checkpoints.Files;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints;

/// <summary>Positioned reads from a checkpoint's files, with the files' handles. Any number of threads may read at once.</summary>
internal sealed class FileReads : IDisposable
{
    // A folder of one file per tensor may have more files than the process may have descriptors.
    private const int MaxOpenFiles = 64;

    // The largest folio of the page cache on most machines. One that is dropped in part stays.
    private const long FolioBytes = 2 * ByteSize.MiB;

    private readonly Dictionary<string, SafeFileHandle> _handles = [];
    private readonly Queue<string> _oldestFirst = [];
    private readonly Dictionary<string, FileVersion> _versions = [];
    private readonly PositionedReads _reads;
    private readonly InflatingReads _inflating;
    private ReadPolicy _policy;
    private bool _disposed;

    public FileReads(PositionedReads reads) => (_reads, _inflating) = (reads, new InflatingReads(reads));

    /// <summary>Takes over the handle through which the file's headers were read.</summary>
    public FileReads(SourceFile source)
        : this(source.Reads)
    {
        Expect(source);
        Keep(source.Path, source.HandOver());
    }

    /// <summary>What reads ask of the page cache.</summary>
    public ReadPolicy Policy
    {
        get => _policy;
        set
        {
            lock (_handles)
            {
                _policy = value;
                foreach (var handle in _handles.Values) Advise(handle);
            }
        }
    }

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

        var handle = Rent(storage.File);
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

    /// <summary>Maps the very file that reads come from.</summary>
    /// <exception cref="CheckpointException">The file was changed, or cannot be mapped.</exception>
    public FileMapping Map(string path, MappingAccess access) => With(path, handle => FileMapping.Open(path, handle, access));

    /// <summary>Brings bytes into a mapping of one of the files.</summary>
    public bool TryPopulate(FileMapping mapping, long position, long bytes) => _reads.TryPopulate(mapping, position, bytes);

    /// <summary>Refuses a file that has ended before a position since its headers were read: the rest of its last page would read as zeros.</summary>
    /// <exception cref="CheckpointException">It is shorter.</exception>
    public void RequireLength(string path, long end)
    {
        var bytes = With(path, handle => FileVersion.Of(path, handle).Bytes);
        if (bytes < end) throw new CheckpointException(CheckpointError.Truncated, path, $"became shorter: expected {end} bytes, found {bytes}; was the file replaced or cut?");
    }

    /// <summary>Lets a range that nobody here needs again go out of the page cache, if the policy is to do so. Pages that are mapped stay.</summary>
    public void DropBehind(string path, long position, long bytes)
    {
        if (!_policy.DropsBehind) return;
        With(path, handle =>
        {
            DropBehind(handle, position, bytes);
            return true;
        });
    }

    public void Dispose()
    {
        lock (_handles)
        {
            _disposed = true;
            foreach (var handle in _handles.Values) handle.Dispose();
            _handles.Clear();
        }

        _inflating.Dispose();
    }

    private T With<T>(string path, Func<SafeFileHandle, T> use)
    {
        var handle = Rent(path);
        try
        {
            return use(handle);
        }
        finally
        {
            handle.DangerousRelease();
        }
    }

    /// <summary>SAFETY: the reference is taken under the lock, so that another thread's eviction cannot close the handle before the read ends.</summary>
    private SafeFileHandle Rent(string path)
    {
        lock (_handles)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_handles.TryGetValue(path, out var handle)) Keep(path, handle = Reopen(path));
            var added = false;
            handle.DangerousAddRef(ref added);
            return handle;
        }
    }

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

    private void Keep(string path, SafeFileHandle handle)
    {
        if (_handles.Count == MaxOpenFiles && _handles.Remove(_oldestFirst.Dequeue(), out var oldest)) oldest.Dispose();
        Advise(handle);
        _handles.Add(path, handle);
        _oldestFirst.Enqueue(path);
    }

    // Without any advice the kernel reads ahead as well, for as long as it has room; but readers that take turns confuse it.
    private void Advise(SafeFileHandle handle) => _ = Libc.posix_fadvise(handle, 0, 0, _policy.ReadsAhead ? Libc.FileAdviceSequential : Libc.FileAdviceRandom);

    // Each folio with the read that reaches its end.
    private static void DropBehind(SafeFileHandle handle, long position, long bytes)
    {
        var (start, end) = (position / FolioBytes * FolioBytes, (position + bytes) / FolioBytes * FolioBytes);
        if (end > start) _ = Libc.posix_fadvise(handle, start, end - start, Libc.FileAdviceDontNeed);
    }
}
