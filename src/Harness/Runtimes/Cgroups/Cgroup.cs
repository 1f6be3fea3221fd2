using System.Globalization;
using System.Text;
using Loadline.Gauges;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>One cgroup with a memory limit: a directory of the controller's file system.</summary>
internal sealed class Cgroup(CgroupDialect dialect, string folder)
{
    /// <summary>Its directory.</summary>
    public string Folder => folder;

    /// <summary>Makes it and sets the cap, swap off.</summary>
    /// <exception cref="RuntimeException">The kernel does not allow it, or another limit above it is lower; nothing stays behind.</exception>
    public static Cgroup Create(CgroupDialect dialect, string folder, long capBytes, string root = "/", long? highBytes = null)
    {
        var cgroup = new Cgroup(dialect, folder);
        try
        {
            // Not with its parents: they would be cgroups that nobody removes.
            if (!Directory.Exists(Path.GetDirectoryName(folder))) throw new DirectoryNotFoundException("its parent does not exist");
            Directory.CreateDirectory(folder);
            cgroup.Limit(capBytes, root);
            if (highBytes is { } high) cgroup.SlowDownAt(high);
            return cgroup;
        }
        catch (Exception e)
        {
            cgroup.TryRemove();
            // The exception's own words name the cgroup, which is long, and nobody has seen it: its parent is what one can do something about.
            if (e is IOException or UnauthorizedAccessException) throw new RuntimeException($"cgroup: none in {Path.GetDirectoryName(folder)}: {Reason(e)}", e);
            throw;
        }
    }

    /// <summary>Begins to read its memory.</summary>
    /// <param name="reportsItself">Whether the program tells its own memory.</param>
    /// <param name="onReading">Gets each reading; null where nobody wants them.</param>
    public CgroupWatch Watch(bool reportsItself, Action<MemorySample>? onReading) =>
        CgroupWatch.Start(CgroupMemory.OpenAt(dialect.Version, folder), reportsItself, onReading);

    /// <summary>How many of its processes the kernel killed for memory, those of cgroups that they made below it included.</summary>
    /// <exception cref="RuntimeException">The counter is not there: without it nobody can tell a kill by the cap from another.</exception>
    public long OomKills()
    {
        var kills = Value(dialect.OomKills, "oom_kill");
        // Version 2 counts descendants itself.
        if (dialect.Version == 1) CgroupDescent.Visit(folder, AddKills);
        return kills;

        void AddKills(string below)
        {
            try
            {
                kills += new Cgroup(dialect, below).Value(dialect.OomKills, "oom_kill");
            }
            catch (RuntimeException)
            {
                // It is gone, and has taken its count with it.
            }
        }
    }

    /// <summary>The highest charge, page cache included; null before Linux 5.19, which does not record it in v2.</summary>
    public long? PeakBytes()
    {
        if (!File.Exists(PathOf(dialect.Peak))) return null;
        var text = Read(dialect.Peak);
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : throw Unexpected(dialect.Peak, text);
    }

    /// <summary>The processes in it and in cgroups that they made below it; none once it was removed.</summary>
    /// <exception cref="RuntimeException">They cannot be told.</exception>
    public IReadOnlyList<int> Processes()
    {
        try
        {
            List<string> lines = [.. File.ReadAllLines(PathOf("cgroup.procs"))];
            CgroupDescent.Visit(folder, below => lines.AddRange(LinesBelow(below)));
            // 0 stands for one that is just dying, or of another PID namespace; to kill "it" would be to kill our own process group.
            return [.. lines.Select(line => int.Parse(line, CultureInfo.InvariantCulture)).Where(id => id > 0)];
        }
        catch (IOException) when (!Directory.Exists(folder))
        {
            // Another harness sweeps too, and was faster.
            return [];
        }
        catch (UnauthorizedAccessException e)
        {
            throw new RuntimeException($"cgroup: {folder} does not tell its processes: permission denied", e);
        }
    }

    /// <summary>Whether this process was moved into it, or below it.</summary>
    public bool HoldsUs() => File.ReadAllText("/proc/self/cgroup").Contains("/" + Path.GetFileName(folder), StringComparison.Ordinal);

    /// <summary>Kills all of its processes and of those below it at once, forks included; false where the kernel cannot (version 1, before Linux 5.14).</summary>
    public bool TryKillAll()
    {
        try
        {
            if (!File.Exists(PathOf("cgroup.kill"))) return false;
            Write("cgroup.kill", 1);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Removes it and the cgroups below it, once their processes are gone. False while the kernel still holds it.</summary>
    public bool TryRemove()
    {
        CgroupDescent.Remove(folder);
        try
        {
            Directory.Delete(folder);
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // A program may make cgroups of its own: one of threads tells no processes, and one may be gone before it is read.
    private static string[] LinesBelow(string below)
    {
        try
        {
            return File.ReadAllLines(Path.Join(below, "cgroup.procs"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private void SlowDownAt(long highBytes)
    {
        if (dialect.High is not { } file) throw new RuntimeException("cgroup: version 1 has no memory.high: it needs a machine on cgroup v2");
        Write(file, highBytes);
    }

    private void Limit(long capBytes, string root)
    {
        Write(dialect.Limit, capBytes);
        // Without swap there is nothing to turn off, and the kernel may have no file for it.
        if (File.Exists(PathOf(dialect.Swap))) Write(dialect.Swap, dialect.SwapBytes(capBytes));
        else if (HasSwap(root)) throw new RuntimeException($"cgroup: without {PathOf(dialect.Swap)} swap would soften the cap: swapoff -a");

        // Version 1 counts what TCP has in its buffers apart, and does not count it at all unless it has a limit.
        if (dialect.TcpLimit is { } tcp && File.Exists(PathOf(tcp))) Write(tcp, capBytes);

        // The kernel counts in pages and rounds down.
        var effective = EffectiveBytes();
        var page = Environment.SystemPageSize;
        if (effective > capBytes || effective < capBytes - page)
        {
            throw new RuntimeException(
                $"cgroup: {folder} is to be limited to {ByteSize.Format(capBytes)}, but {ByteSize.Format(effective)} holds there: "
                + "raise the limit of the cgroups above it");
        }
    }

    /// <summary>Why the kernel did not take something, without the path.</summary>
    internal static string Reason(Exception e) => e switch
    {
        UnauthorizedAccessException => "permission denied",
        // As in "Read-only file system : '/sys/fs/cgroup/…'".
        _ => e.Message.Split(" : '")[0].TrimEnd('.'),
    };

    /// <summary>The limit that really holds: the lowest of this cgroup and those above it.</summary>
    private long EffectiveBytes()
    {
        if (dialect.Version == 1) return Value("memory.stat", "hierarchical_memory_limit");

        var lowest = long.MaxValue;
        // The root of the hierarchy has no limit, and so no file.
        for (var at = folder; File.Exists(Path.Join(at, dialect.Limit)); at = Path.GetDirectoryName(at))
        {
            var text = File.ReadAllText(Path.Join(at, dialect.Limit)).Trim();
            if (text == "max") continue;
            lowest = Math.Min(lowest, long.Parse(text, CultureInfo.InvariantCulture));
        }

        return lowest;
    }

    private static bool HasSwap(string root) => File.ReadLines(Path.Join(root, "proc/swaps")).Skip(1).Any();

    /// <summary>The number behind a key, in a file of lines "KEY NUMBER".</summary>
    private long Value(string file, string key)
    {
        var number = Read(file).Split('\n').Select(line => line.Split(' ')).FirstOrDefault(parts => parts.Length == 2 && parts[0] == key)?[1];
        return long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Unexpected(file, $"no line '{key} NUMBER'");
    }

    private string Read(string file)
    {
        try
        {
            return File.ReadAllText(PathOf(file)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RuntimeException($"cgroup: {e.Message}", e);
        }
    }

    private void Write(string file, long bytes)
    {
        // Opened, not created: where the kernel has no such file, this must fail.
        using var handle = File.OpenHandle(PathOf(file), FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(handle, Encoding.ASCII.GetBytes(bytes.ToString(CultureInfo.InvariantCulture)), fileOffset: 0);
    }

    private string PathOf(string file) => Path.Join(folder, file);

    private RuntimeException Unexpected(string file, string found) => new($"cgroup: {PathOf(file)}: expected a number, found {found}");
}
