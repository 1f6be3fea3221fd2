using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public sealed class ContainerWatchTests : IDisposable
{
    private const string Id = RecordedTree.Container;
    private const string Other = "555ae13d71c158ad43acbd58ee697c7d660d38d1a52ba47c7ca3e7f36b1727e1";

    private readonly RecordedTree _tree = RecordedTree.V2OnASystemdHost();

    public ContainerWatchTests() => _tree["/sys/fs/cgroup/memory.current"] = "0\n";

    [Theory]
    [InlineData("docker/{0}")]
    [InlineData("system.slice/docker-{0}.scope")]
    [InlineData("machine.slice/libpod-{0}.scope")]
    public void A_container_that_ended_before_anybody_asked_for_its_process_was_read(string place)
    {
        using var watch = ContainerWatch.Begin(Id, root: _tree.Root);
        Make(string.Format(null, place, Id), kills: 1);
        SpinWait.SpinUntil(() => watch.Seen > 0, TimeSpan.FromSeconds(30)).Should().BeTrue();

        watch.Attach(Id, pid: 0);

        watch.Stop().Should().BeEquivalentTo(new { AnonymousBytes = 320, OomKills = 1 });
        watch.WhyUnread.Should().BeNull();
    }

    [Fact]
    public void One_that_has_no_id_yet_is_found_among_those_that_are_started()
    {
        Make($"docker/{Other}", kills: 0);
        using var watch = ContainerWatch.Begin(root: _tree.Root);
        Make($"docker/{Id}", kills: 1);
        SpinWait.SpinUntil(() => watch.Seen > 0, TimeSpan.FromSeconds(30)).Should().BeTrue();

        watch.Attach(Id, pid: 0);

        watch.Stop().OomKills.Should().Be(1);
    }

    [Fact]
    public void The_cgroup_of_Podmans_monitor_is_not_the_containers()
    {
        using var watch = ContainerWatch.Begin(root: _tree.Root);
        Make($"machine.slice/libpod-conmon-{Id}.scope", kills: 9);
        Make($"machine.slice/libpod-{Id}.scope", kills: 1);
        SpinWait.SpinUntil(() => watch.Seen > 0, TimeSpan.FromSeconds(30)).Should().BeTrue();

        watch.Attach(Id, pid: 0);

        watch.Stop().OomKills.Should().Be(1);
    }

    [Fact]
    public void One_that_was_never_seen_is_no_reading_of_zero()
    {
        using var watch = ContainerWatch.Begin(Id, root: _tree.Root);
        watch.Attach(Id, pid: 0);

        watch.Stop().AnonymousBytes.Should().BeNull();
        watch.WhyUnread.Should().Be("the program ended before its cgroup could be read");
    }

    [Fact]
    public void A_process_that_is_somebody_elses_is_not_taken_for_the_containers()
    {
        using var watch = ContainerWatch.Begin(Id);
        watch.Attach(Id, Environment.ProcessId);

        watch.WhyUnread.Should().Be("the Engine's processes cannot be seen from here: run it on the Engine's machine");
    }

    // As systemd does in a container, or k3s: its first process moves to a cgroup of its own below.
    [Fact]
    public void Of_a_container_whose_first_process_has_moved_all_is_read()
    {
        using var watch = ContainerWatch.Begin(Id, root: _tree.Root);
        Make($"user.slice/libpod-{Id}.scope", kills: 1);
        Make($"user.slice/libpod-{Id}.scope/init", kills: 0);
        _tree["/proc/77/cgroup"] = $"0::/user.slice/libpod-{Id}.scope/init\n";

        watch.Attach(Id, pid: 77);

        watch.Stop().OomKills.Should().Be(1);
        watch.WhyUnread.Should().BeNull();
    }

    [Fact]
    public void Of_a_program_that_reports_itself_only_the_kills_are_read()
    {
        using var watch = ContainerWatch.Begin(Id, reportsItself: true, _tree.Root);
        Make($"docker/{Id}", kills: 1);
        SpinWait.SpinUntil(() => watch.Seen > 0, TimeSpan.FromSeconds(30)).Should().BeTrue();
        watch.Attach(Id, pid: 0);

        watch.Stop().Should().BeEquivalentTo(new { AnonymousBytes = (long?)null, OomKills = 1 });
    }

    public void Dispose() => _tree.Dispose();

    private void Make(string place, int kills)
    {
        var folder = $"/sys/fs/cgroup/{place}";
        _tree[$"{folder}/memory.stat"] = "anon 300\nfile 900\nshmem 20\n";
        _tree[$"{folder}/memory.events"] = $"oom 3\noom_kill {kills}\n";
        _tree[$"{folder}/cgroup.events"] = "populated 0\n";
        // The last of its files: before it there is no cgroup to read.
        _tree[$"{folder}/memory.current"] = "1200\n";
    }
}
