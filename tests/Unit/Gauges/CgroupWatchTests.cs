using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public sealed class CgroupWatchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loadline-").FullName;

    [Fact]
    public void Version_1_counts_the_whole_subtree_and_shared_memory_too()
    {
        Write("memory.stat", "cache 1\nrss 1\nshmem 1\ntotal_cache 900\ntotal_rss 300\ntotal_shmem 20\n");
        Write("memory.usage_in_bytes", "1200\n");
        Write("memory.max_usage_in_bytes", "1300\n");

        Watched(version: 1).Should().Be(new CgroupPeaks(320, 1300));
    }

    [Fact]
    public void Version_2_has_other_names_and_on_old_kernels_no_peak()
    {
        Write("memory.stat", "anon 300\nfile 900\nshmem 20\n");
        Write("memory.current", "1200\n");

        Watched(version: 2).Should().Be(new CgroupPeaks(320, null));
    }

    [Fact]
    public void The_highest_reading_stands_after_the_cgroup_is_gone()
    {
        Write("memory.stat", "anon 300\nfile 0\nshmem 0\n");
        Write("memory.current", "300\n");
        using var watch = CgroupWatch.Start(version: 2, _folder);
        Directory.Delete(_folder, recursive: true);

        (watch.Stop().AnonymousBytes is null or 300).Should().BeTrue("the first reading may come after the end, but none is zero");
    }

    [Fact]
    public void The_highest_until_now_is_told_while_readings_go_on()
    {
        Write("memory.stat", "anon 300\nfile 0\nshmem 20\n");
        Write("memory.current", "320\n");
        using var watch = CgroupWatch.Start(version: 2, _folder);

        SpinWait.SpinUntil(() => watch.Peaks.AnonymousBytes is not null);

        watch.Peaks.AnonymousBytes.Should().Be(320);
    }

    [Fact]
    public void A_cgroup_that_is_not_there_is_no_reading_of_zero() =>
        FluentActions.Invoking(() => CgroupWatch.Start(version: 1, Path.Combine(_folder, "none"))).Should().Throw<GaugeException>();

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    private CgroupPeaks Watched(int version)
    {
        using var watch = CgroupWatch.Start(version, _folder);
        return watch.Stop();
    }

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder, file), text);
}
