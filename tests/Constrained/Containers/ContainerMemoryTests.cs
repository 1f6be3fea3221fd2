using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Containers;
using Loadline.Harness.Runtimes.Docker;
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
        memory.Outcome.Should().Be(MemoryOutcome.Exited);
        memory.PeakAnonymous.Should().BeLessThan("64MiB");
        // </page>
#pragma warning restore xUnit1051
        memory.Should().BeEquivalentTo(new { ExitCode = 0L, Cap = new MemorySize(512 * ByteSize.MiB), WhyUnread = (string?)null });
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
