namespace Loadline.Gauges;

/// <summary>What the kernel says a process holds in RAM, at one moment.</summary>
/// <param name="AnonBytes">RssAnon: heap, stacks, private pages that were written. Without swap it cannot be reclaimed.</param>
/// <param name="FileBytes">RssFile: mapped pages of files, which can be reclaimed.</param>
/// <param name="ShmemBytes">RssShmem: shared memory and tmpfs. Without swap it cannot be reclaimed.</param>
/// <param name="RssBytes">VmRSS: the sum of the three.</param>
/// <param name="PeakRssBytes">VmHWM: the highest VmRSS so far, mapped pages of files included.</param>
internal readonly record struct ProcessMemoryReading(long AnonBytes, long FileBytes, long ShmemBytes, long RssBytes, long PeakRssBytes);

/// <summary>Gauges of one process: its resident memory, its page faults that read from disk, and the bytes that it read there.</summary>
/// <remarks>
/// The numbers come from /proc/PID/status and /proc/PID/stat, proc(5). The files are opened once and a reading allocates nothing,
/// so it does not move what it measures. Not every kernel adds its counters up for each reading: proc(5) calls them inaccurate because they
/// gather in batches, per thread before Linux 6.2 and per CPU since, and may lag by such a batch, 128 KiB and more, for each.
/// </remarks>
internal sealed class ProcessMemory : IDisposable
{
    private readonly KernelFile _status;
    private readonly KernelFile _stat;
    private readonly KernelFile? _io;
    private byte[]? _larger;

    private ProcessMemory(string folder)
    {
        _status = KernelFile.Open(Path.Join(folder, "status"));
        _stat = KernelFile.Open(Path.Join(folder, "stat"));
        _io = KernelFile.TryOpen(Path.Join(folder, "io"));
    }

    /// <summary>Opens the gauges of this process.</summary>
    /// <exception cref="GaugeException">There is no /proc.</exception>
    public static ProcessMemory Open() => OpenFolder("/proc/self");

    /// <summary>Opens the gauges of another process. Once it has ended, readings fail; they never become a later one's.</summary>
    /// <exception cref="GaugeException">There is no such process.</exception>
    public static ProcessMemory Open(int processId) => OpenFolder(FormattableString.Invariant($"/proc/{processId}"));

    internal static ProcessMemory OpenFolder(string folder) => new(folder);

    /// <summary>Reads all sizes in one snapshot.</summary>
    /// <exception cref="GaugeException">A field is missing or the process has ended.</exception>
    public ProcessMemoryReading Read()
    {
        Span<byte> buffer = stackalloc byte[KernelFile.MaxBytes];
        var status = _status.ReadLong(buffer, ref _larger);
        return new ProcessMemoryReading(
            status.FieldInBytes("RssAnon"u8),
            status.FieldInBytes("RssFile"u8),
            status.FieldInBytes("RssShmem"u8),
            status.FieldInBytes("VmRSS"u8),
            status.FieldInBytes("VmHWM"u8));
    }

    /// <summary>Page faults since the process began that had to wait for the disk, of all threads.</summary>
    /// <exception cref="GaugeException">The field is missing or the process has ended.</exception>
    public long ReadMajorFaults()
    {
        const int MajorFaults = 12;
        Span<byte> buffer = stackalloc byte[KernelFile.MaxBytes];
        return _stat.Read(buffer).StatField(MajorFaults, "majflt"u8);
    }

    /// <summary>
    /// The bytes that the process had read from disks since it began, of all threads and of the children that it has waited for: those that mapped pages
    /// were filled with among them, those that came out of the page cache not. Null where the kernel does not count them, or not for this reader.
    /// </summary>
    /// <exception cref="GaugeException">The process has ended.</exception>
    public long? ReadDiskBytes() => _io?.Read(stackalloc byte[512]).SizeIn("read_bytes"u8);

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        _io?.Dispose();
        _status.Dispose();
        _stat.Dispose();
    }
}
