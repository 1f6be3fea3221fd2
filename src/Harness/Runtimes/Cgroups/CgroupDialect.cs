namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>The names that the two versions of the memory controller have for the same things.</summary>
internal sealed record CgroupDialect
{
    public required int Version { get; init; }

    /// <summary>The file of the hard limit.</summary>
    public required string Limit { get; init; }

    /// <summary>The file of the limit from which on the kernel slows a cgroup down instead of killing in it; null in version 1, which has none.</summary>
    public string? High { get; init; }

    /// <summary>The file of the limit of TCP's buffers; null in version 2, which charges them as all else.</summary>
    public string? TcpLimit { get; init; }

    /// <summary>The file that turns swap off, and what to write into it beside a cap.</summary>
    public required string Swap { get; init; }

    public required Func<long, long> SwapBytes { get; init; }

    /// <summary>The file with the line <c>oom_kill N</c>. (v2's line <c>oom</c> counts attempts, several for one kill.)</summary>
    public required string OomKills { get; init; }

    public required string Peak { get; init; }

    public static readonly CgroupDialect V1 = new()
    {
        Version = 1,
        Limit = "memory.limit_in_bytes",
        TcpLimit = "memory.kmem.tcp.limit_in_bytes",
        // RAM and swap together.
        Swap = "memory.memsw.limit_in_bytes",
        SwapBytes = cap => cap,
        OomKills = "memory.oom_control",
        Peak = "memory.max_usage_in_bytes",
    };

    public static readonly CgroupDialect V2 = new()
    {
        Version = 2,
        Limit = "memory.max",
        High = "memory.high",
        // Swap alone.
        Swap = "memory.swap.max",
        SwapBytes = _ => 0,
        OomKills = "memory.events",
        Peak = "memory.peak",
    };
}
