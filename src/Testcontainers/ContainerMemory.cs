using Loadline.Gauges;

namespace Loadline.Testcontainers;

/// <summary>What became of a container.</summary>
public enum MemoryOutcome
{
    /// <summary>It runs.</summary>
    Running,

    /// <summary>Its program ended, well or not: <see cref="ContainerMemory.ExitCode"/> says how.</summary>
    Exited,

    /// <summary>
    /// Its cap killed it, or any of its processes, however the first one ended: the kernel counted a kill for memory in its cgroup, or the Engine had notice of
    /// one. Another SIGKILL, with the same exit code 137, is <see cref="Exited"/>.
    /// </summary>
    Killed,
}

/// <summary>The memory of a container.</summary>
public sealed class ContainerMemory
{
    private const int Sigkill = 137;

    private readonly CgroupPeaks _peaks;
    private readonly long? _atMostBytes;

    internal ContainerMemory(MemoryOutcome outcome, long? exitCode, MemorySize? cap, CgroupPeaks peaks, long? atMostBytes, string? whyUnread)
    {
        (Outcome, ExitCode, Cap, _peaks, _atMostBytes, WhyUnread) = (outcome, exitCode, cap, peaks, atMostBytes, whyUnread);
    }

    /// <summary>What became of the container.</summary>
    public MemoryOutcome Outcome { get; }

    /// <summary>Its program's; null while it runs.</summary>
    public long? ExitCode { get; }

    /// <summary>The hard limit of RAM without swap that the Engine holds, as it says itself; null where it holds none.</summary>
    public MemorySize? Cap { get; }

    /// <summary>
    /// The highest anonymous and shared memory of all the container's processes together, to hold a budget against: what a cap cannot reclaim. It is
    /// never less than it was: where a peak may have fallen between two readings, the kernel's own peak and its count of page faults say how high. Only of a container
    /// without a cap whose cgroup was gone before its last reading nobody knows, and it is what was read.
    /// </summary>
    /// <exception cref="GaugeException">It could not be read; <see cref="WhyUnread"/> says why.</exception>
    public MemorySize PeakAnonymous => new(_atMostBytes is { } atMost ? Math.Max(atMost, SeenAnonymous.Bytes) : SeenAnonymous.Bytes);

    /// <summary>The highest that was read, every 2 ms: at most <see cref="PeakAnonymous"/>.</summary>
    /// <exception cref="GaugeException">It could not be read; <see cref="WhyUnread"/> says why.</exception>
    public MemorySize SeenAnonymous => new(_peaks.AnonymousBytes ?? throw new GaugeException("the container's memory", WhyUnread ?? "there is no reading"));

    /// <summary>The highest charge, page cache included, which fills up to the cap; null where it could not be read, or before Linux 5.19 on v2.</summary>
    public MemorySize? PeakCgroup => _peaks.Bytes is { } bytes ? new MemorySize(bytes) : (MemorySize?)null;

    /// <summary>
    /// How many of the container's processes the kernel killed for memory, by the cgroup's own counter (<c>oom_kill</c>): a container runs on where the
    /// first process is not the one. Null where it could not be read.
    /// </summary>
    public long? OomKills => WhyUnread is null ? _peaks.OomKills : null;

    /// <summary>
    /// Its memory by class, of a container that has ended: each class at its peak, and, where the cap killed it, all when the cap was met, what grew before, and
    /// the largest processes. Null while it runs and where it could not be read.
    /// </summary>
    public MemoryTrace? Classes { get; internal init; }

    /// <summary>Why there is no reading of the memory; null where there is one.</summary>
    public string? WhyUnread { get; }

    /// <summary>A sentence, as in "killed by its cap of 64 MiB; anonymous memory peaked at 61.5 MiB".</summary>
    public override string ToString()
    {
        var end = Outcome switch
        {
            MemoryOutcome.Killed when ExitCode != Sigkill => $"exit code {ExitCode} after {_peaks.OomKills} of its processes {(_peaks.OomKills == 1 ? "was" : "were")} killed by its cap",
            MemoryOutcome.Killed => "killed by its cap",
            MemoryOutcome.Exited => $"exit code {ExitCode} under a cap",
            _ => "running under a cap",
        };
        var kills = Outcome != MemoryOutcome.Killed && OomKills > 0 ? $", which killed {OomKills} of its processes" : "";
        return $"{end} of {Cap?.ToString() ?? "nothing"}{kills}; {(WhyUnread is null ? $"anonymous memory peaked at {PeakAnonymous}" : $"no reading: {WhyUnread}")}";
    }
}
