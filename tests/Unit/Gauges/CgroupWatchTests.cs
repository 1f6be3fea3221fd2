using System.Diagnostics;
using System.Text;
using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public sealed class CgroupWatchTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TemporaryFolder _folder = new();

    // What both versions tell of the same group.
    private static MemoryClasses Written => new()
    {
        AnonymousBytes = 300,
        PageCacheBytes = 880,
        ShmemBytes = 20,
        MappedFileBytes = 40,
        KernelBytes = 70,
        DirtyBytes = 7,
        LockedBytes = 180,
        ChargedBytes = 1200,
    };

    [Fact]
    public void Version_1_counts_the_whole_subtree_and_shared_memory_too()
    {
        Write("memory.stat", "cache 1\nrss 1\nshmem 1\ntotal_cache 900\ntotal_rss 300\ntotal_shmem 20\n");
        Write("memory.usage_in_bytes", "1200\n");
        Write("memory.max_usage_in_bytes", "1300\n");
        Write("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
        Write("cgroup.procs", "");

        Watched(version: 1).Should().BeEquivalentTo(new { AnonymousBytes = 320, Bytes = 1300, OomKills = 2 });
    }

    [Fact]
    public void Version_2_has_other_names_and_on_old_kernels_no_peak()
    {
        Version2("anon 300\nfile 900\nshmem 20\n");

        Watched(version: 2).Should().BeEquivalentTo(new { AnonymousBytes = 320, Bytes = (long?)null, AnonymousBoundBytes = (long?)null, OomKills = 0 });
    }

    [Fact]
    public void What_was_never_read_is_bounded_by_the_kernels_own_peak()
    {
        Version2("anon 0\nfile 5000\nshmem 20\n", peak: 1 << 20);

        Watched(version: 2).Should().BeEquivalentTo(new { AnonymousBytes = 20, AnonymousBoundBytes = 1 << 20 });
    }

    [Fact]
    public void Version_1_has_each_class_under_its_own_name()
    {
        Write("memory.stat", """
            total_cache 900
            total_rss 300
            total_shmem 20
            total_mapped_file 40
            total_dirty 3
            total_writeback 4
            total_active_file 500
            total_inactive_file 200
            total_workingset_refault_file 2

            """);
        Write("memory.usage_in_bytes", "1200\n");
        Write("memory.kmem.usage_in_bytes", "70\n");
        Write("memory.max_usage_in_bytes", "1300\n");
        Write("memory.oom_control", "oom_kill 0\n");
        Write("cgroup.procs", "0\n");

        var trace = Traced(version: 1)!;

        trace.Last.Should().Be(Written);
        trace.Should().BeEquivalentTo(new { CgroupVersion = 1, RefaultedBytes = 2 * Environment.SystemPageSize, StalledSeconds = (double?)null, ReadBytes = (long?)null });
    }

    [Fact]
    public void Version_2_has_each_class_under_its_own_name_and_pressure_besides()
    {
        Version2("""
            anon 300
            file 900
            kernel 70
            shmem 20
            file_mapped 40
            file_dirty 3
            file_writeback 4
            active_file 500
            inactive_file 200
            workingset_refault_file 2

            """);
        Write("memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");

        var trace = Traced(version: 2)!;

        trace.Last.Should().Be(Written);
        trace.Should().BeEquivalentTo(new { CgroupVersion = 2, RefaultedBytes = 2 * Environment.SystemPageSize, StalledSeconds = 2.5 });
    }

    [Fact]
    public void What_a_kernel_does_not_count_is_unknown_and_not_zero()
    {
        Version2("anon 300\nfile 900\nshmem 20\n");

        Traced(version: 2)!.Last.Should().BeEquivalentTo(
            new { MappedFileBytes = (long?)null, KernelBytes = (long?)null, DirtyBytes = (long?)null, LockedBytes = (long?)null });
    }

    [Fact]
    public void After_a_kill_there_is_nothing_that_a_cap_met()
    {
        Version2("anon 300\nfile 900\nshmem 20\n");
        Write("memory.events", "oom 3\noom_kill 1\n");

        Traced(version: 2).Should().BeNull("no reading was of a group in which nobody had been killed");
    }

    [Fact]
    public void A_cgroup_without_processes_has_nothing_more_to_tell()
    {
        Version2("anon 0\nfile 0\nshmem 0\n", peak: 300);
        Watched(version: 2).IsFinal.Should().BeFalse("a process is in it");
        Write("cgroup.events", "populated 0\nfrozen 0\n");

        var peaks = Watched(version: 2);

        peaks.IsFinal.Should().BeTrue();
        peaks.AnonymousAtMostBytes(capBytes: 200).Should().Be(200, "it survived its cap");
        peaks.AnonymousAtMostBytes(capBytes: null).Should().Be(300);
    }

    [Fact]
    public void A_cgroup_that_no_process_has_entered_yet_is_not_at_its_end()
    {
        Version2("anon 0\nfile 0\nshmem 0\n", peak: 0);
        Write("cgroup.events", "populated 0\nfrozen 0\n");

        Watched(version: 2).AnonymousAtMostBytes(capBytes: 200).Should().Be(200);
    }

    [Fact]
    public void The_highest_reading_stands_after_the_cgroup_is_gone()
    {
        Version2("anon 300\nfile 0\nshmem 0\n");
        using var watch = CgroupWatch.Start(version: 2, _folder.Path);
        Directory.Delete(_folder.Path, recursive: true);

        (watch.Stop().AnonymousBytes is null or 300).Should().BeTrue("the first reading may come after the end, but none is zero");
    }

    [Fact]
    public void The_highest_until_now_is_told_while_readings_go_on()
    {
        Version2("anon 300\nfile 0\nshmem 20\n");
        using var watch = CgroupWatch.Start(version: 2, _folder.Path);

        SpinWait.SpinUntil(() => watch.Peaks.AnonymousBytes is not null);

        watch.Peaks.AnonymousBytes.Should().Be(320);
    }

    [Fact]
    public void A_process_that_lets_nobody_read_it_holds_up_no_reading_of_memory()
    {
        Version2("anon 300\nfile 0\nshmem 0\n");
        var list = Path.Combine(_folder.Path, "cgroup.procs");
        using (var mkfifo = Process.Start("mkfifo", list)) mkfifo.WaitForExit();
        var watch = CgroupWatch.Start(version: 2, _folder.Path);

        // Who reads the processes is in the midst of it from the first time on, and stays there as long as the tests run: a pipe opens with its writer.
        SpinWait.SpinUntil(() => watch.Peaks.AnonymousBytes == 300, Patience).Should().BeTrue();
        Write("memory.stat", "anon 500\nfile 0\nshmem 0\n");

        SpinWait.SpinUntil(() => watch.Peaks.AnonymousBytes == 500, Patience).Should().BeTrue("nobody waits for the processes");
        watch.Stop().AnonymousBytes.Should().Be(500);
        watch.Dispose();
    }

    [Fact]
    public void A_cgroup_that_is_not_there_is_no_reading_of_zero() =>
        FluentActions.Invoking(() => CgroupWatch.Start(version: 1, Path.Combine(_folder.Path, "none"))).Should().Throw<GaugeException>();

    public void Dispose()
    {
        _folder.Dispose();
    }

    private void Version2(string stat, long? peak = null)
    {
        Write("memory.stat", stat);
        Write("memory.current", "1200\n");
        if (peak is not null) Write("memory.peak", $"{peak}\n");
        Write("memory.events", "oom 3\noom_kill 0\n");
        Write("cgroup.events", "populated 1\nfrozen 0\n");
    }

    private CgroupPeaks Watched(int version)
    {
        using var watch = CgroupWatch.Start(version, _folder.Path);
        return watch.Stop();
    }

    private MemoryTrace? Traced(int version)
    {
        using var watch = CgroupWatch.Start(version, _folder.Path);
        watch.Stop();
        return watch.Trace;
    }

    // In place, as the kernel's files are: one that is cut first would be read as that of a cgroup that is gone.
    private void Write(string file, string text)
    {
        using var stream = new FileStream(Path.Combine(_folder.Path, file), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        stream.Write(Encoding.UTF8.GetBytes(text));
        if (stream.Length > text.Length) stream.SetLength(text.Length);
    }
}
