using Microsoft.Win32.SafeHandles;

namespace Loadline.Gauges;

/// <summary>
/// A file in /proc or a cgroup, opened once and read again and again. The kernel writes its text anew for each read at offset 0,
/// so one positioned read is one consistent snapshot, and costs no managed memory.
/// </summary>
internal sealed class KernelFile : IDisposable
{
    /// <summary>Room for any file read through here: the longest, memory.stat, has about 2 KiB.</summary>
    public const int MaxBytes = 8192;

    // 65,536 groups of ten digits.
    private const int MostBytes = 1 << 20;

    private readonly SafeFileHandle _handle;

    private KernelFile(string path, SafeFileHandle handle) => (Path, _handle) = (path, handle);

    public string Path { get; }

    // FileShare.ReadWrite keeps .NET from taking a lock on the file.
    public static KernelFile Open(string path) =>
        Guard(path, static path => new KernelFile(path, File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)));

    /// <summary>The same; null for a file that this kernel does not have or does not let this reader have.</summary>
    public static KernelFile? TryOpen(string path)
    {
        try
        {
            return File.Exists(path) ? Open(path) : null;
        }
        catch (GaugeException)
        {
            return null;
        }
    }

    /// <summary>The lines of a table of the kernel's, which end at a line feed alone: a mount's or a cgroup's name may have a carriage return.</summary>
    public static string[] ReadLines(string path) => Guard(path, File.ReadAllText) is { Length: > 0 } text ? text[..^(text[^1] == '\n' ? 1 : 0)].Split('\n') : [];

    /// <summary>Reads all of a file that is wanted once only.</summary>
    public static KernelText ReadOnce(string path, Span<byte> buffer)
    {
        using var file = Open(path);
        return file.Read(buffer);
    }

    public KernelText Read(Span<byte> buffer)
    {
        try
        {
            return new KernelText(Path, buffer[..RandomAccess.Read(_handle, buffer, fileOffset: 0)]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // ESRCH and ENODEV: the process or the cgroup has gone since the file was opened. EACCES: of some files the kernel asks at each read whether its
            // reader may, and the process has taken another user, or become one that nobody may look into.
            throw new GaugeException(Path, $"cannot be read ({e.Message})", e);
        }
    }

    /// <summary>The same of a file that may be longer, as <c>/proc/PID/status</c> of a process with thousands of groups.</summary>
    /// <param name="buffer">What it mostly has room in.</param>
    /// <param name="larger">What it had no room in before; kept by the caller.</param>
    public KernelText ReadLong(Span<byte> buffer, ref byte[]? larger)
    {
        if (larger is not null) buffer = larger;
        var text = Read(buffer);
        while (text.Length == buffer.Length && buffer.Length < MostBytes)
        {
            buffer = larger = new byte[4 * buffer.Length];
            text = Read(buffer);
        }

        return text;
    }

    public void Dispose() => _handle.Dispose();

    private static T Guard<T>(string path, Func<string, T> action)
    {
        try
        {
            return action(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GaugeException(path, $"cannot be read ({e.Message})", e);
        }
    }
}
