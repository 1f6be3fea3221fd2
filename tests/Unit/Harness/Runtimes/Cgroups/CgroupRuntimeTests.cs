using System.Diagnostics;
using System.Globalization;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;

namespace Loadline.Unit.Harness.Runtimes.Cgroups;

/// <remarks>Every runtime that starts sweeps, so another test's start would take away what the test of sweeping left.</remarks>
[Collection(nameof(Unit.Strategies.Alone))]
public sealed class CgroupRuntimeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_program_that_takes_more_than_the_cap_is_killed_by_it()
    {
        var (outcome, _) = await RunAsync(Taking64MiB with { CapBytes = 32 * ByteSize.MiB });

        outcome.Should().BeEquivalentTo(new { ExitCode = 137, KilledByCap = true, TimedOut = false });
        outcome.CgroupPeakBytes.Should().BeInRange(31 * ByteSize.MiB, 32 * ByteSize.MiB);
    }

    [Fact]
    public async Task A_program_that_fits_ends_by_itself_and_its_peak_is_seen()
    {
        var (outcome, _) = await RunAsync(Taking64MiB with { CapBytes = 128 * ByteSize.MiB });

        outcome.Should().BeEquivalentTo(new { ExitCode = 0, KilledByCap = false, TimedOut = false });
        outcome.CgroupPeakBytes.Should().BeInRange(64 * ByteSize.MiB, 72 * ByteSize.MiB);
    }

    [Fact]
    public async Task A_program_that_reports_nothing_is_watched_from_outside()
    {
        // tail keeps what it cannot know to be the last line: all of it, until the end, which it waits for.
        var (outcome, _) = await RunAsync(Shell("{ head -c 64M /dev/zero; sleep 0.3; } | tail > /dev/null") with { CapBytes = 256 * ByteSize.MiB });

        outcome.AnonymousPeakBytes.Should().BeInRange(64 * ByteSize.MiB, 200 * ByteSize.MiB);
    }

    [Fact]
    public async Task A_program_that_goes_on_without_what_the_cap_killed_of_it_has_not_survived()
    {
        // One process that takes and no other that runs: with a pipe the kernel may go on with those that wait, before the largest has given back what it held.
        var (outcome, _) = await RunAsync(Shell("dd if=/dev/zero of=/dev/null bs=64M count=1; exit 0") with { CapBytes = 32 * ByteSize.MiB });

        outcome.Should().BeEquivalentTo(new { ExitCode = 0, KilledByCap = true, TimedOut = false });
    }

    [Fact]
    public async Task A_kill_in_a_cgroup_that_the_program_made_below_its_own_counts()
    {
        Assert.SkipUnless(Directory.Exists(V1), "version 2 counts it itself");

        var (outcome, _) = await RunAsync(Shell($"""
            {OwnCgroup}; mkdir "$own/below" && sh -c 'echo $$ > "$0/below/cgroup.procs"; exec dd if=/dev/zero of=/dev/null bs=64M count=1' "$own"; exit 0
            """) with { CapBytes = 32 * ByteSize.MiB });

        outcome.Should().BeEquivalentTo(new { ExitCode = 0, KilledByCap = true });
    }

    [Fact]
    public async Task A_program_that_says_what_the_shell_before_it_would_is_no_failure_of_the_runtime()
    {
        Assert.SkipUnless(Directory.Exists(V1), "the path of the cgroup is made as version 1 has it");

        var (outcome, _) = await RunAsync(Shell($"""{OwnCgroup}; echo "$own/cgroup.procs: no" >&2; exit 125"""));

        outcome.ExitCode.Should().Be(125);
        outcome.ErrorLines.Should().ContainSingle().Which.Should().StartWith(V1);
    }

    [Fact]
    public async Task What_a_program_does_to_its_process_group_it_does_to_itself()
    {
        var (stopped, _) = await RunAsync(Shell("kill -STOP 0; sleep 1000") with { Timeout = TimeSpan.FromMilliseconds(500) });
        stopped.Should().BeEquivalentTo(new { TimedOut = true, KilledByCap = false });

        var (ended, _) = await RunAsync(Shell("kill -TERM 0; sleep 1000"));
        ended.Should().BeEquivalentTo(new { TimedOut = false, KilledByCap = false });
        ended.ExitCode.Should().Be(143);
    }

    [Fact]
    public async Task Programs_that_beget_programs_end_with_the_run()
    {
        var (outcome, _) = await RunAsync(Shell("f() { f & f & }; f; sleep 1000") with { Timeout = TimeSpan.FromMilliseconds(200), CapBytes = 24 * ByteSize.MiB });

        (outcome.TimedOut || outcome.KilledByCap || outcome.ExitCode != 0).Should().BeTrue();
    }

    [Fact]
    public async Task A_run_whose_output_nobody_takes_any_more_ends()
    {
        await using var runtime = await StartAsync();
        var run = () => runtime.RunAsync(Shell("yes") with { Timeout = TimeSpan.FromMinutes(10) }, _ => throw new IOException("the disk is full"), Cancellation);

        await run.Should().ThrowAsync<IOException>().WithMessage("the disk is full");
    }

    [Fact]
    public async Task A_program_that_the_kernel_does_not_start_is_a_failure_of_the_machine()
    {
        var run = () => RunAsync(Taking64MiB with { Command = ["/bin/true", new string('a', 200_000)] });

        await run.Should().ThrowAsync<RuntimeException>().WithMessage("cgroup: the program cannot be started:*");
    }

    [Fact]
    public async Task Another_kill_than_the_caps_is_not_taken_for_it()
    {
        var (outcome, _) = await RunAsync(Shell("kill -9 $$"));

        outcome.Should().BeEquivalentTo(new { ExitCode = 137, KilledByCap = false });
    }

    [Fact]
    public async Task Both_streams_arrive_line_by_line_and_the_exit_code_is_the_programs()
    {
        var (outcome, lines) = await RunAsync(Shell("echo one; echo wrong >&2; printf two; exit 125"));

        lines.Should().Equal("one", "two");
        outcome.ErrorLines.Should().Equal("wrong");
        outcome.ExitCode.Should().Be(125);
    }

    [Fact]
    public async Task What_a_program_and_its_children_read_from_the_disk_is_known_to_the_byte()
    {
        using var folder = new TemporaryFolder(onDisk: true);
        File.WriteAllBytes(folder["read"], new byte[3 * ByteSize.MiB]);
        Loadline.Gauges.PageCache.Evict(folder["read"]).IsCold.Should().BeTrue();

        // What the shell and cat are themselves may have to be read, too.
        var (first, _) = await RunAsync(Shell($"cat {folder["read"]} > /dev/null; sleep 0.2"));
        var (second, _) = await RunAsync(Shell($"cat {folder["read"]} > /dev/null; sleep 0.2"));

        first.Memory!.ReadBytes.Should().BeInRange(3 * ByteSize.MiB, 8 * ByteSize.MiB);
        // Of the shell and of the file system some block may have left the page cache meanwhile.
        second.Memory!.ReadBytes.Should().BeLessThan(ByteSize.MiB / 8, "it lies in the page cache, charged to the first");
    }

    [Theory]
    [InlineData("a line of its own", """printf '\n%s read_bytes 999999999999\n' "$own" >&2""")]
    [InlineData("the name of the shell that waits for it", "echo ended-0. > /proc/$PPID/comm")]
    [InlineData("what that shell may open", "prlimit --pid $PPID --nofile=3:3")]
    [InlineData("what that shell could read", "echo > /proc/$PPID/fd/0")]
    [InlineData("signals to that shell", "shell=$PPID; (for i in $(seq 300); do kill -TERM $shell; sleep 0.001; done) &")]
    public async Task A_program_tells_nothing_of_what_it_reads(string by, string tell)
    {
        using var folder = new TemporaryFolder(onDisk: true);
        File.WriteAllBytes(folder["read"], new byte[3 * ByteSize.MiB]);
        Loadline.Gauges.PageCache.Evict(folder["read"]).IsCold.Should().BeTrue();

        var (outcome, _) = await RunAsync(Shell($"own=$(cut -d: -f3 /proc/self/cgroup | head -n 1); {tell}\ncat {folder["read"]} > /dev/null; exit 7"));

        outcome.ExitCode.Should().Be(7, by);
        outcome.Memory!.ReadBytes.Should().BeInRange(3 * ByteSize.MiB, 8 * ByteSize.MiB, by);
    }

    [Theory]
    [InlineData("a path longer than a call takes", "for i in $(seq 20); do n=$(printf %0250d $i); mkdir $n && cd -P ./$n || exit 1; done")]
    [InlineData("in letters of several bytes", "n=$(printf 'あ%.0s' $(seq 84)); for i in $(seq 20); do mkdir $n && cd -P ./$n || exit 1; done")]
    [InlineData("many", "for i in $(seq 600); do mkdir a && cd -P ./a || exit 1; done")]
    [InlineData("a name that is no text", "n=$(printf '\\377'); mkdir $n && cd -P ./$n || exit 1")]
    public async Task Cgroups_that_a_program_makes_inside_of_each_other_go_with_it_and_what_runs_in_them(string what, string make)
    {
        const string own = "cd $(grep -q memory: /proc/self/cgroup && echo /sys/fs/cgroup/memory$(grep memory: /proc/self/cgroup | cut -d: -f3) "
            + "|| echo /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup))";
        const string leave = "sleep 1000 > /dev/null 2>&1 & echo $! > cgroup.procs && echo $!";

        var (made, lines) = await RunAsync(Shell($"{own} && {make}; {leave}"));
        var (after, _) = await RunAsync(Shell("true"));

        made.ExitCode.Should().Be(0, $"else there was nothing to remove: {what}");
        Owner.Of(int.Parse(lines.Single(), CultureInfo.InvariantCulture)).Should().BeNull("it was ended with the others");
        after.ExitCode.Should().Be(0);
    }

    [Fact]
    public async Task A_program_that_moves_the_harness_into_its_cgroup_does_not_end_it()
    {
        Assert.SkipUnless(Directory.Exists(V1), "the path of the cgroup is made as version 1 has it");
        var mine = File.ReadLines("/proc/self/cgroup").Single(line => line.Contains(":memory:")).Split(':')[2];
        try
        {
            var run = () => RunAsync(Shell($"{OwnCgroup}; echo {Environment.ProcessId} > $own/cgroup.procs") with { CapBytes = 4 * ByteSize.GiB });

            (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("cgroup: the program moved this process into its own cgroup*");
        }
        finally
        {
            await File.WriteAllTextAsync(V1 + mine + "/cgroup.procs", $"{Environment.ProcessId}", Cancellation);
        }
    }

    [Fact]
    public async Task Nothing_is_added_to_standard_error_or_taken_from_it()
    {
        var (whole, _) = await RunAsync(Shell("echo one >&2; echo >&2; echo two >&2"));
        var (torn, _) = await RunAsync(Shell("printf torn >&2"));
        var (blank, _) = await RunAsync(Shell("echo >&2; echo >&2"));
        var (killed, _) = await RunAsync(Taking64MiB with { CapBytes = 32 * ByteSize.MiB });

        whole.ErrorLines.Should().Equal("one", "", "two");
        torn.ErrorLines.Should().Equal("torn");
        blank.ErrorLines.Should().Equal("", "");
        killed.ErrorLines.Should().BeEmpty("the shell around it keeps to itself that a signal ended it");
    }

    [Fact]
    public async Task A_program_from_a_command_line_starts_where_that_was_typed_with_all_of_its_variables()
    {
        Environment.SetEnvironmentVariable("LOADLINE_OWN_TEST", "mine");
        using var folder = new TemporaryFolder();

        var (_, lines) = await RunAsync(Shell("pwd; echo $LOADLINE_OWN_TEST") with { Folder = folder.Path, InheritsEnvironment = true });

        lines.Should().Equal(folder.Path, "mine");
    }

    [Fact]
    public async Task A_kill_leaves_what_it_met_by_class_and_the_largest_process()
    {
        var (outcome, _) = await RunAsync(Taking64MiB with { CapBytes = 32 * ByteSize.MiB });

        outcome.Memory!.Last.Foremost.Should().Be(Loadline.Gauges.MemoryClass.Anonymous);
        outcome.Memory.Peaks.ChargedBytes.Should().BeInRange(20 * ByteSize.MiB, 32 * ByteSize.MiB);
    }

    [Fact]
    public async Task The_variables_are_those_of_the_spec_and_not_the_harnesss_own()
    {
        var (_, lines) = await RunAsync(Shell("echo $LOADLINE_TEST; env | cut -d= -f1 | grep -v -e ^PWD -e ^SHLVL -e ^_ -e ^OLDPWD") with
        {
            Environment = new Dictionary<string, string> { ["LOADLINE_TEST"] = "yes" },
        });

        lines[0].Should().Be("yes");
        lines.Skip(1).Should().BeSubsetOf(
            ["PATH", "HOME", "LD_LIBRARY_PATH", "LOADLINE_LIBTORCH", "VIRTUAL_ENV", "CONDA_PREFIX", "NUGET_PACKAGES", "CUDA_VISIBLE_DEVICES", "LOADLINE_TEST"]);
    }

    [Theory]
    [InlineData("HUP")]
    [InlineData("TERM")]
    [InlineData("USR1")]
    public async Task What_a_program_does_to_its_process_group_costs_neither_its_exit_code_nor_what_it_read(string signal)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/setsid"), "without setsid the group is the tests' own");

        var (outcome, _) = await RunAsync(Shell($"trap : {signal}; kill -{signal} 0; sleep 0.2; exit 7"));
        var (ended, _) = await RunAsync(Shell($"kill -{signal} 0; exit 7"));

        outcome.ExitCode.Should().Be(7);
        outcome.Memory!.ReadBytes.Should().NotBeNull();
        ended.ExitCode.Should().BeGreaterThan(128, "the program itself left the signal as it was");
    }

    [Fact]
    public async Task The_timeout_ends_the_program_and_everything_that_it_started()
    {
        var (outcome, lines) = await RunAsync(Shell("setsid sleep 1000 & echo $!; sleep 1000") with { Timeout = TimeSpan.FromMilliseconds(500) });

        outcome.Should().BeEquivalentTo(new { ExitCode = 137, KilledByCap = false, TimedOut = true });
        Owner.Of(int.Parse(lines.Single(), CultureInfo.InvariantCulture)).Should().BeNull("the grandchild is gone too");
    }

    [Fact]
    public async Task What_a_program_leaves_running_ends_with_it()
    {
        var (outcome, lines) = await RunAsync(Shell("setsid sleep 1000 & echo $!"));

        outcome.ExitCode.Should().Be(0);
        Owner.Of(int.Parse(lines.Single(), CultureInfo.InvariantCulture)).Should().BeNull();
    }

    [Fact]
    public async Task Cancellation_kills_the_program_and_leaves_no_cgroup()
    {
        await using var runtime = await StartAsync();
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var folder = "";

        var run = () => runtime.RunAsync(
            Shell("grep loadline- /proc/self/cgroup; sleep 1000"),
            line =>
            {
                folder = line;
                cancellation.Cancel();
            },
            cancellation.Token);

        await run.Should().ThrowAsync<OperationCanceledException>();
        folder.Should().Contain("/loadline-");
        Directory.GetDirectories(CgroupTree.Find().Candidates[0], Path.GetFileName(folder)).Should().BeEmpty();
    }

    [Fact]
    public async Task Four_runs_at_once_do_not_disturb_each_other()
    {
        await using var runtime = await StartAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(1, 4).Select(
            i => runtime.RunAsync(Taking64MiB with { CapBytes = (i % 2 == 0 ? 128 : 32) * ByteSize.MiB }, _ => { }, Cancellation)));

        outcomes.Select(outcome => outcome.KilledByCap).Should().Equal(true, false, true, false);
    }

    [Fact]
    public async Task A_program_is_looked_for_where_it_starts_and_one_that_may_not_be_executed_is_told()
    {
        using var folder = new TemporaryFolder();
        folder.Write("say.sh", "#!/bin/sh\necho here\n"u8.ToArray());
        var spec = Taking64MiB with { Command = ["./say.sh"], Folder = folder.Path };

        (await ((Func<Task>)(() => RunAsync(spec))).Should().ThrowAsync<RuntimeException>()).WithMessage("cgroup: './say.sh' may not be executed: chmod +x it, or name what runs it*");

        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder["say.sh"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        (await RunAsync(spec)).Lines.Should().Equal("here");
    }

    [Fact]
    public async Task A_missing_program_is_told_from_one_that_fails()
    {
        var run = () => RunAsync(Taking64MiB with { Command = ["no-such-program"] });

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("cgroup: there is no program 'no-such-program' on this machine");
    }

    [Fact]
    public async Task A_folder_that_is_to_be_written_and_is_not_there_is_refused()
    {
        var run = () => RunAsync(Taking64MiB with { WritableMounts = ["/no/such/folder"] });

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("cgroup: there is nothing at /no/such/folder to mount");
    }

    [Fact]
    public async Task An_image_is_refused()
    {
        var run = () => RunAsync(Taking64MiB with { Image = "debian" });

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("cgroup: there are no images here*--runtime docker");
    }

    [Fact]
    public async Task The_cgroup_of_a_harness_that_is_gone_is_swept_with_its_processes_and_no_other()
    {
        await using var runtime = await StartAsync();
        var tree = CgroupTree.Find();
        var parent = runtime.Parent;
        using var dead = Process.Start("sleep", "1000");
        var owner = Owner.Of(dead.Id)!;
        dead.Kill();
        await dead.WaitForExitAsync(Cancellation);
        var left = Cgroup.Create(tree.Dialect, Path.Join(parent, LeftCgroups.Name(owner, "left")), 32 * ByteSize.MiB);
        var ours = Cgroup.Create(tree.Dialect, Path.Join(parent, LeftCgroups.Name(Owner.Self, "ours")), 32 * ByteSize.MiB);
        using var sleeper = Process.Start("sleep", "1000");
        await File.WriteAllTextAsync(Path.Join(left.Folder, "cgroup.procs"), sleeper.Id.ToString(CultureInfo.InvariantCulture), Cancellation);

        await LeftCgroups.RemoveAsync(tree);

        Directory.Exists(left.Folder).Should().BeFalse();
        Directory.Exists(ours.Folder).Should().BeTrue();
        await sleeper.WaitForExitAsync(Cancellation);
        sleeper.ExitCode.Should().Be(137);
        await ours.RemoveAsync();
    }

    private const string V1 = "/sys/fs/cgroup/memory";

    private const string OwnCgroup = $"own={V1}$(sed -n 's/.*:memory://p' /proc/self/cgroup)";

    // dd touches the whole of its one block.
    private static ContainerSpec Taking64MiB => new()
    {
        Command = ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"],
        CapBytes = 64 * ByteSize.MiB,
        Timeout = TimeSpan.FromMinutes(1),
    };

    private static ContainerSpec Shell(string script) => Taking64MiB with { Command = ["/bin/sh", "-c", script] };

    private static Task<CgroupRuntime> StartAsync() =>
        RealRuntime.OrSkipAsync("cgroup", () => CgroupRuntime.StartAsync("/no/worker", Cancellation));

    private static async Task<(ContainerOutcome Outcome, List<string> Lines)> RunAsync(ContainerSpec spec)
    {
        await using var runtime = await StartAsync();
        var lines = new List<string>();
        var outcome = await runtime.RunAsync(spec, lines.Add, Cancellation);
        return (outcome, lines);
    }
}
