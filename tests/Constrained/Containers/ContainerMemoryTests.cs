using Docker.DotNet.Models;
using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Containers;
using Loadline.Gauges;
using Loadline.Harness.Runtimes.Docker;
using Loadline.Harness.Runtimes.Images;
using Loadline.Testcontainers;

namespace Loadline.Constrained.Containers;

/// <summary>Loadline.Testcontainers, as somebody else's tests would use it: this machine's dd takes as much memory as it is told.</summary>
[Trait("Category", "Constrained")]
public sealed class ContainerMemoryTests(CappedRuns runs)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_program_within_its_budget_passes()
    {
        var image = await ImageOfDdAsync();
#pragma warning disable xUnit1051 // The page is for people who use any test framework.
        // <page>
        await using var container = new ContainerBuilder(image)
            .WithCommand("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=48M", "count=100")
            .WithMemoryCap("512MiB")
            .WithMemoryGauge()
            .Build();
        await container.StartAsync();
        await container.GetExitCodeAsync();

        var memory = await container.MemoryAsync();
        memory.ExitCode.Should().Be(0, memory.ToString());
        memory.OomKills.Should().Be(0, memory.ToString());
        memory.PeakAnonymous.Should().BeLessThan("64MiB");
        // </page>
#pragma warning restore xUnit1051
        memory.Should().BeEquivalentTo(new { Outcome = MemoryOutcome.Exited, Cap = new MemorySize(512 * ByteSize.MiB), WhyUnread = (string?)null });
        memory.PeakAnonymous.Bytes.Should().BeGreaterThan(48 * ByteSize.MiB);
        memory.PeakCgroup!.Value.Should().BeGreaterThanOrEqualTo("48MiB");
    }

    [Fact]
    public async Task A_program_over_its_budget_is_missed_with_both_sizes_in_the_message()
    {
        await using var container = await EndedAsync("512MiB", "bs=96M", "count=50");
        var memory = await container.MemoryAsync(Cancellation);

        var held = () => memory.PeakAnonymous.Should().BeLessThan("64MiB");

        held.Should().Throw<Exception>().WithMessage("Expected memory.PeakAnonymous * MiB to be less than 64 MiB.*");
    }

    [Fact]
    public async Task A_program_over_its_cap_is_killed_and_that_is_told_from_another_kill()
    {
        // It dies in its first milliseconds, before the Engine listens for kills.
        await using var over = await RunAsync("32MiB", ["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=96M", "count=1"]);
        await using var other = await RunAsync("32MiB", ["/bin/sh", "-c", "exit 137"]);

        var (killed, ended) = (await over.MemoryAsync(Cancellation), await other.MemoryAsync(Cancellation));

        killed.Should().BeEquivalentTo(new { Outcome = MemoryOutcome.Killed, ExitCode = 137L });
        ended.Should().BeEquivalentTo(new { Outcome = MemoryOutcome.Exited, ExitCode = 137L });
        killed.ToString().Should().StartWith("killed by its cap of 32 MiB; ");
    }

    [Fact]
    public async Task What_runs_is_told_its_peak_so_far()
    {
        await using var container = Of(await ImageOfDdAsync(), "64MiB", ["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=24M"]).Build();
        await container.StartAsync(Cancellation);

        ContainerMemory memory;
        do memory = await container.MemoryAsync(Cancellation);
        while (memory.WhyUnread is null && memory.PeakAnonymous < "24MiB");

        memory.Outcome.Should().Be(MemoryOutcome.Running);
        memory.ExitCode.Should().BeNull();
    }

    [Fact]
    public async Task A_container_without_a_gauge_says_what_is_missing()
    {
        await using var container = new ContainerBuilder(await ImageOfDdAsync()).WithEntrypoint("/bin/sh", "-c", "exit 0").Build();
        await container.StartAsync(Cancellation);

        var read = () => container.MemoryAsync(Cancellation);

        await read.Should().ThrowAsync<InvalidOperationException>().WithMessage("*call WithMemoryGauge() on its builder*");
    }

    [Fact]
    public async Task A_kill_that_the_first_process_survives_is_a_kill_all_the_same()
    {
        await using var container = await RunAsync("32MiB", ["/bin/sh", "-c", "/bin/dd if=/dev/zero of=/dev/null bs=96M count=1; exit 0"]);

        var memory = await container.MemoryAsync(Cancellation);

        memory.Should().BeEquivalentTo(new { Outcome = MemoryOutcome.Killed, ExitCode = 0L, OomKills = 1L });
        memory.ToString().Should().StartWith("exit code 0 after 1 of its processes was killed by its cap of 32 MiB; ");
    }

    [Fact]
    public async Task A_startup_callback_from_before_still_runs()
    {
        var called = 0;
        await using var container = new ContainerBuilder(await ImageOfDdAsync()).WithEntrypoint("/bin/sh", "-c", "exit 0")
            .WithStartupCallback((_, _) => Task.FromResult(called++)).WithMemoryGauge().Build();
        await container.StartAsync(Cancellation);
        await container.GetExitCodeAsync(Cancellation);

        called.Should().Be(1);
        (await container.MemoryAsync(Cancellation)).WhyUnread.Should().BeNull();
    }

    [Fact]
    public async Task A_module_that_sets_its_own_startup_callback_is_watched_from_the_container_on_and_once_more_after_a_stop()
    {
        var called = 0;
        await using var container = Of(await ImageOfDdAsync(), "64MiB", ["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=24M", "count=50"])
            .WithStartupCallback((_, _) => Task.FromResult(called++)).Build().WithMemoryGauge();

        foreach (var start in new[] { 1, 2 })
        {
            await container.StartAsync(Cancellation);
            await container.GetExitCodeAsync(Cancellation);

            var memory = await container.MemoryAsync(Cancellation);
            memory.Should().BeEquivalentTo(new { Outcome = MemoryOutcome.Exited, ExitCode = 0L, WhyUnread = (string?)null });
            memory.PeakAnonymous.Should().BeGreaterThan("24MiB").And.BeLessThanOrEqualTo("64MiB");
            called.Should().Be(start);
            await container.StopAsync(Cancellation);
        }
    }

    [Fact]
    public async Task Of_a_container_that_the_Engine_restarts_it_says_that_only_the_first_run_was_read()
    {
        await using var container = Of(await ImageOfDdAsync(), "64MiB", ["/bin/sh", "-c", "if test -e /go; then exec /bin/dd if=/dev/zero of=/dev/null bs=24M; fi; until test -e /go; do :; done; exit 1"])
            .WithCreateParameterModifier(c =>
                (c.HostConfig ??= new HostConfig()).RestartPolicy = new RestartPolicy { Name = RestartPolicyKind.OnFailure, MaximumRetryCount = 1 }).Build();
        await container.StartAsync(Cancellation);
        await container.CopyAsync("go"u8.ToArray(), "/go", ct: Cancellation);

        ContainerMemory memory;
        do memory = await container.MemoryAsync(Cancellation);
        while (memory.WhyUnread?.Contains("restarted", StringComparison.Ordinal) != true);

        memory.WhyUnread.Should().Be("the Engine restarted the container, 1 times until now, and only its first run was read");
        memory.Invoking(m => m.PeakAnonymous).Should().Throw<GaugeException>();
    }

    [Fact]
    public void No_cap_is_no_cap()
    {
        var none = () => new ContainerBuilder("any").WithMemoryCap("0");

        none.Should().Throw<ArgumentOutOfRangeException>().WithParameterName("cap");
    }

    private Task<IContainer> EndedAsync(MemorySize cap, params string[] dd) => RunAsync(cap, ["/bin/dd", "if=/dev/zero", "of=/dev/null", .. dd]);

    private async Task<IContainer> RunAsync(MemorySize cap, string[] command)
    {
        var container = Of(await ImageOfDdAsync(), cap, command).Build();
        await container.StartAsync(Cancellation);
        await container.GetExitCodeAsync(Cancellation);
        return container;
    }

    private static ContainerBuilder Of(string image, MemorySize cap, string[] command) =>
        new ContainerBuilder(image).WithCommand(command).WithMemoryCap(cap).WithMemoryGauge();

    private async Task<string> ImageOfDdAsync()
    {
        Assert.SkipUnless(runs.Runtime.Name == TestcontainersRuntime.RuntimeName, $"the suite runs on {runs.Runtime.Name}");
        using var engine = await DockerEngine.ConnectAsync(EngineAddress.Find(), Cancellation);
        var images = new EngineImages(engine);
        var contents = new ImageContents();
        foreach (var program in (string[])["/bin/sh", "/bin/dd"]) await contents.AddProgramAsync(program, program, Cancellation);
        var image = $"loadline-test:{contents.Hash()}";
        if (!await images.HasAsync(image, Cancellation)) await images.ImportAsync(contents, image, null, null, Cancellation);
        return image;
    }
}
