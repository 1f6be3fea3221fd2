using Docker.DotNet.Models;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;
using ContainerSpec = Loadline.Harness.Runtimes.ContainerSpec;

namespace Loadline.Constrained.Containers;

/// <summary>What no case of budgets.json shows of the runtime: this machine's shell stands in for the worker.</summary>
[Trait("Category", "Constrained")]
public sealed class TestcontainersTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Only_writable_mounts_can_be_written_and_both_streams_and_the_exit_code_arrive()
    {
        using var kept = new TemporaryFolder();
        using var open = new TemporaryFolder();
        var script = $"echo x 2>/dev/null > {kept.Path}/x || echo kept; echo x 2>/dev/null > /tmp/x || echo sealed; "
            + $"echo seven > {open.Path}/written; echo wrong >&2; exit 3";

        var (outcome, lines) = await RunAsync(Shell(script) with { Mounts = [kept.Path], WritableMounts = [open.Path] });

        lines.Should().Equal("kept", "sealed");
        outcome.Should().BeEquivalentTo(new { ExitCode = 3, KilledByCap = false, TimedOut = false, ErrorLines = new[] { "wrong" } });
        (await File.ReadAllTextAsync(open["written"], Cancellation)).Should().Be("seven\n");
    }

    [Fact]
    public async Task Another_kill_than_the_caps_is_not_taken_for_it()
    {
        var (outcome, _) = await RunAsync(Shell("exit 137"));

        outcome.Should().BeEquivalentTo(new { ExitCode = 137, KilledByCap = false });
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(7, true)]
    [InlineData(0, false)]
    public async Task A_program_that_goes_on_without_what_the_kernel_took_from_it_was_killed_as_the_other_runtimes_have_it(int exitCode, bool isProgram)
    {
        // Named by its path the shell is a program of its image; else it stands for the worker, which says itself what became of its own.
        var script = $"x=x; (while :; do x=$x$x; done) 2>/dev/null; echo went on; exit {exitCode}";
        var shell = Shell(script) with { CapBytes = 24 * ByteSize.MiB };
        if (isProgram) shell = shell with { Command = ["/" + ContainerSpec.Worker, "-c", script] };

        await using var testcontainers = await ConnectAsync();
        await using var docker = await DockerRuntime.ConnectAsync("/bin/sh", EngineAddress.Find(), Cancellation);
        foreach (var runtime in (IContainerRuntime[])[testcontainers, docker])
        {
            var lines = new List<string>();

            var outcome = await runtime.RunAsync(shell, lines.Add, Cancellation);

            outcome.Should().BeEquivalentTo(new { ExitCode = exitCode, KilledByCap = isProgram, TimedOut = false }, runtime.Description);
            lines.Should().Equal("went on");
        }
    }

    [Fact]
    public async Task The_timeout_ends_a_container()
    {
        var (outcome, lines) = await RunAsync(Shell("echo begun; while :; do read x < /dev/zero; done") with { Timeout = TimeSpan.FromSeconds(1) });

        outcome.Should().BeEquivalentTo(new { ExitCode = 137, KilledByCap = false, TimedOut = true });
        lines.Should().Equal("begun");
    }

    [Fact]
    public async Task Cancellation_arrives_while_the_program_writes_and_leaves_no_container()
    {
        await using var runtime = await ConnectAsync();
        using var cancellation = new CancellationTokenSource();

        var run = () => runtime.RunAsync(Shell("echo begun; while :; do read x < /dev/zero; done"), _ => cancellation.Cancel(), cancellation.Token);

        await run.Should().ThrowAsync<OperationCanceledException>();
        (await OwnContainersAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task An_Engine_without_a_GPU_driver_is_told_from_a_program_that_cannot_start()
    {
        await using var runtime = await ConnectAsync();
        Assert.SkipWhen(File.Exists("/dev/nvidiactl"), "there is a GPU here");

        var run = () => runtime.RunAsync(Shell("exit 0") with { Gpus = 1 }, _ => { }, Cancellation);

        await run.Should().ThrowAsync<RuntimeException>().WithMessage("docker: the Engine has no GPU driver: install*");
        (await OwnContainersAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task A_missing_image_is_named_and_not_pulled()
    {
        await using var runtime = await ConnectAsync();

        var run = () => runtime.RunAsync(Shell("exit 0") with { Image = "loadline-none:0" }, _ => { }, Cancellation);

        await run.Should().ThrowAsync<RuntimeException>().WithMessage("testcontainers: there is no image 'loadline-none:0' here: pull it*");
    }

    private static ContainerSpec Shell(string script) => new()
    {
        Command = [ContainerSpec.Worker, "-c", script],
        CapBytes = 64 * ByteSize.MiB,
        Timeout = TimeSpan.FromMinutes(1),
    };

    private static async Task<(ContainerOutcome Outcome, IReadOnlyList<string> Lines)> RunAsync(ContainerSpec spec)
    {
        await using var runtime = await ConnectAsync();
        var lines = new List<string>();
        return (await runtime.RunAsync(spec, lines.Add, Cancellation), lines);
    }

    private static async Task<TestcontainersRuntime> ConnectAsync()
    {
        try
        {
            return await TestcontainersRuntime.ConnectAsync("/bin/sh", Cancellation);
        }
        catch (RuntimeException e) when (!Requirements.FromEnvironment().Demands(TestcontainersRuntime.RuntimeName))
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    /// <summary>Asked without Testcontainers, which forgets what it failed to remove.</summary>
    private static async Task<IList<ContainerListResponse>> OwnContainersAsync()
    {
        using var engine = await DockerEngine.ConnectAsync(EngineAddress.Find(), Cancellation);
        var own = new ContainersListParameters { All = true, Filters = EngineFilters.Of(("label", $"loadline.owner={Owner.Self}")) };
        return await engine.AskAsync((client, limited) => client.Containers.ListContainersAsync(own, limited), Cancellation);
    }
}
