namespace Loadline.Gauges;

/// <summary>How much memory page faults can have brought.</summary>
/// <remarks>Documentation/admin-guide/mm/transhuge.rst of the Linux kernel.</remarks>
internal static class HugePages
{
    private const string Settings = "/sys/kernel/mm/transparent_hugepage";

    // By MADV_COLLAPSE, madvise(2), which no setting holds.
    private static readonly Version CollapsesSince = new(6, 1);

    private static readonly (bool Huge, bool Between) Allowed = ByKernel(Read(Settings), Directory.Exists(Settings), Environment.OSVersion.Version);

    // A table of pages is a page of 8-byte entries, and a huge page is what one table covers.
    private static long PagesInHuge => Environment.SystemPageSize / 8;

    /// <summary>What so many faults can have brought at most; null where nobody counts how large the pages were.</summary>
    /// <param name="faults">All faults; null where they are not counted.</param>
    /// <param name="huge">Those that brought a huge page, and pages that were made one; null where they are not counted, as in version 1.</param>
    public static long? FaultedBytes(long? faults, long? huge) => FaultedBytes(faults, huge, Allowed);

    internal static long? FaultedBytes(long? faults, long? huge, (bool Huge, bool Between) allowed)
    {
        if (allowed.Between || (allowed.Huge && huge is null)) return null;
        return (faults + (huge ?? 0) * (PagesInHuge - 1)) * Environment.SystemPageSize;
    }

    /// <summary>What a kernel makes of settings: a newer one makes huge pages of others wherever a program asks for it.</summary>
    internal static (bool Huge, bool Between) ByKernel((bool Huge, bool Between) settings, bool hasHuge, Version kernel) =>
        settings with { Huge = settings.Huge || (hasHuge && kernel >= CollapsesSince) };

    /// <summary>Whether pages may be huge by the settings, and whether they may have sizes between a page and a huge one, which no cgroup counts.</summary>
    internal static (bool Huge, bool Between) Read(string settings)
    {
        // A kernel without huge pages has no such folder, one before 6.8 no sizes.
        var all = ModeOf(settings) is not (null or "never");
        if (!Directory.Exists(settings)) return (false, false);
        var sizes = Directory.EnumerateDirectories(settings, "hugepages-*kB")
            .Where(size => ModeOf(size) is { } mode && mode != "never" && (all || mode != "inherit")).ToList();
        return (all || sizes.Any(IsHuge), !sizes.All(IsHuge));
    }

    private static bool IsHuge(string size) => size.EndsWith($"-{PagesInHuge * Environment.SystemPageSize / 1024}kB", StringComparison.Ordinal);

    // As in "always [madvise] never".
    private static string? ModeOf(string folder)
    {
        var file = Path.Join(folder, "enabled");
        return File.Exists(file) ? File.ReadAllText(file).Split('[', ']') is [_, var mode, _] ? mode : "always" : null;
    }
}
