namespace Loadline.Unit.Gauges;

/// <summary>The gauges of a real cgroup with a real limit, where this process may make one.</summary>
public sealed class CappedMemoryTests
{
    private const long MiB = 1024 * 1024;
    private const long CapBytes = 256 * MiB;
    private const long TouchedBytes = 96 * MiB;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_limit_is_found_on_the_cgroup_and_on_its_parent(bool onTheParent)
    {
        Assert.SkipUnless(ScratchCgroup.TryCreate(CapBytes, onTheParent, out var cgroup, out var why), why);
        using var _ = cgroup;

        var report = await ToucherRun.RunAsync(["anon", $"{TouchedBytes}"], cgroup.Folder);

        report.CgroupFolder.Should().Be(cgroup.Folder);
        report.LimitBytes.Should().Be(CapBytes);
        report.OomKills.Should().Be(0);
        report.AnonBytes.Should().BeCloseTo(TouchedBytes, (ulong)MiB);
        (report.CgroupAfter.AnonBytes - report.CgroupBefore.AnonBytes).Should().BeCloseTo(TouchedBytes, (ulong)MiB);
        report.UsageBytes.Should().BeInRange(TouchedBytes, CapBytes);
        (report.PeakBytes ?? TouchedBytes).Should().BeInRange(TouchedBytes, CapBytes);
    }
}
