using Docker.DotNet.Models;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;
using Loadline.Harness.Runtimes.Images;
using Loadline.Tensors.Engines;
using ContainerSpec = Loadline.Harness.Runtimes.ContainerSpec;

namespace Loadline.Unit.Harness.Runtimes.Docker;

/// <summary>Against the Engine of this machine, in an image made of its own shell.</summary>
public sealed class RealDockerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(32, 137, true)]
    [InlineData(128, 0, false)]
    public async Task A_program_that_takes_64_MiB_is_killed_by_a_cap_below_that_and_not_by_one_above(int capMiB, int exitCode, bool killedByCap)
    {
        var (outcome, _) = await RunAsync(spec => spec with
        {
            Command = ["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"],
            CapBytes = capMiB * ByteSize.MiB,
        });

        outcome.Should().BeEquivalentTo(new { ExitCode = exitCode, KilledByCap = killedByCap, TimedOut = false });
    }

    [Fact]
    public async Task A_program_that_reports_nothing_is_watched_from_outside()
    {
        var (outcome, _) = await RunAsync(spec => spec with
        {
            Command = ["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=50"],
            CapBytes = 128 * ByteSize.MiB,
        });

        Assert.SkipWhen(outcome.WhyUnread is not null, outcome.WhyUnread ?? "");
        // What each processor has counted and not yet handed on, up to 64 pages, is not in what is read.
        var notHandedOn = 64L * Environment.SystemPageSize * Environment.ProcessorCount;
        outcome.AnonymousPeakBytes.Should().BeInRange(64 * ByteSize.MiB - notHandedOn, 72 * ByteSize.MiB);
        outcome.CgroupPeakBytes.Should().BeInRange(64 * ByteSize.MiB, 128 * ByteSize.MiB);
    }

    // As a pager that waits for its user.
    [Fact]
    public async Task Nobody_has_to_take_its_output_for_it_to_be_ended()
    {
        await (await ConnectAsync()).DisposeAsync();
        using var taken = new ManualResetEventSlim();
        using var interrupted = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var run = () => RunAsync(spec => spec with { Command = ["/bin/sh", "-c", "while :; do echo y; done"] }, line =>
        {
            interrupted.Cancel();
            taken.Wait(Cancellation);
        }, interrupted.Token);

        await run.Should().ThrowAsync<OperationCanceledException>();
        taken.Set();
    }

    [Fact]
    public async Task Another_kill_than_the_caps_is_not_taken_for_it()
    {
        var (outcome, _) = await RunAsync(spec => spec with { Command = ["/bin/sh", "-c", "(kill -9 $$); exit 137"] });

        outcome.Should().BeEquivalentTo(new { ExitCode = 137, KilledByCap = false });
    }

    [Fact]
    public async Task Mounts_lie_under_their_own_path_and_nothing_can_be_written()
    {
        using var folder = new TemporaryFolder();
        var file = folder["weights"];
        await File.WriteAllTextAsync(file, "seven\n", Cancellation);
        var (outcome, lines) = await RunAsync(spec => spec with
        {
            Command = ["/bin/sh", "-c", $"read line < {file}; echo $line; echo x 2>/dev/null > {file} || echo kept; echo x 2>/dev/null > /tmp/x || echo sealed"],
            Mounts = [folder.Path],
        });

        lines.Should().Equal("seven", "kept", "sealed");
        outcome.ExitCode.Should().Be(0);
    }

    [Fact]
    public async Task What_is_written_into_a_writable_mount_lies_there()
    {
        using var folder = new TemporaryFolder();
        var (outcome, _) = await RunAsync(spec => spec with
        {
            Command = ["/bin/sh", "-c", $"echo seven > {folder.Path}/written"],
            WritableMounts = [folder.Path],
        });

        outcome.ExitCode.Should().Be(0);
        (await File.ReadAllTextAsync(folder["written"], Cancellation)).Should().Be("seven\n");
    }

    [Fact]
    public async Task The_timeout_ends_a_container()
    {
        var (outcome, lines) = await RunAsync(spec => spec with
        {
            Command = ["/bin/sh", "-c", "echo begun; while :; do read x < /dev/zero; done"],
            Timeout = TimeSpan.FromSeconds(1),
        });

        outcome.TimedOut.Should().BeTrue();
        lines.Should().Equal("begun");
    }

    [Fact]
    public async Task Four_containers_at_once_do_not_disturb_each_other()
    {
        await using var runtime = await ConnectAsync();
        var image = await ImageOfShellAsync();

        var all = await Task.WhenAll(Enumerable.Range(1, 4).Select(async i =>
        {
            var lines = new List<string>();
            await runtime.RunAsync(Shell(image) with { Command = ["/bin/sh", "-c", $"echo {i}; exit {i}"] }, lines.Add, Cancellation);
            return string.Join(' ', lines);
        }));

        all.Should().Equal("1", "2", "3", "4");
    }

    [Fact]
    public async Task The_workers_image_is_made_once_and_runs_with_its_libraries()
    {
        // Any program of this machine can stand in for the worker.
        await using var runtime = await RealRuntime.OrSkipAsync("docker", () => DockerRuntime.ConnectAsync("/bin/sh", EngineAddress.Find(), Cancellation));
        var lines = new List<string>();
        var spec = Shell(null) with { Command = [ContainerSpec.Worker, "-c", "echo $DOTNET_gcServer $0", "argument"] };

        (await runtime.RunAsync(spec, lines.Add, Cancellation)).ExitCode.Should().Be(0);
        (await runtime.RunAsync(spec, lines.Add, Cancellation)).ExitCode.Should().Be(0);

        lines.Should().Equal("0 argument", "0 argument");
    }

    private static Task<DockerRuntime> ConnectAsync() =>
        RealRuntime.OrSkipAsync("docker", () => DockerRuntime.ConnectAsync("/no/worker", EngineAddress.Find(), Cancellation));

    private static ContainerSpec Shell(string? image) => new()
    {
        Command = ["/bin/sh"],
        Image = image,
        CapBytes = 64 * ByteSize.MiB,
        Timeout = TimeSpan.FromMinutes(1),
    };

    [Fact]
    public async Task An_archive_that_no_daemon_wrote_is_loaded_and_runs()
    {
        await using var runtime = await ConnectAsync();
        using var engine = await DockerEngine.ConnectAsync(EngineAddress.Find(), Cancellation);
        using var folder = new TemporaryFolder();
        var shell = await EngineImage.OfAsync(EngineNames.Native, "/bin/sh", system: null, Cancellation);
        var image = ImageArchive.Write(folder["oci.tar"], $"loadline-test:{Guid.NewGuid():N}", shell).Name.ToString();
        try
        {
            await using var archive = File.OpenRead(folder["oci.tar"]);
            await engine.AskAsync((client, limited) =>
                client.Images.LoadImageAsync(new ImageLoadParameters { Quiet = true }, archive, new Reports<JSONMessage>(_ => { }), limited), Cancellation);

            var lines = new List<string>();
            var outcome = await runtime.RunAsync(Shell(image) with { Command = ["/loadline-worker", "-c", "echo $DOTNET_GCgen0size"] }, lines.Add, Cancellation);

            outcome.ExitCode.Should().Be(0);
            lines.Should().Equal("100000");
        }
        finally
        {
            await engine.AskAsync((client, limited) => client.Images.DeleteImageAsync(image, new ImageDeleteParameters(), limited), Cancellation);
        }
    }

    private static async Task<string> ImageOfShellAsync()
    {
        using var engine = await DockerEngine.ConnectAsync(EngineAddress.Find(), Cancellation);
        var images = new EngineImages(engine);
        var contents = new ImageContents();
        foreach (var program in new[] { "/bin/sh", "/bin/dd" }) await contents.AddProgramAsync(program, program, Cancellation);
        var image = $"loadline-test:{contents.Hash()}";
        if (!await images.HasAsync(image, Cancellation)) await images.ImportAsync(contents, image, null, null, Cancellation);
        return image;
    }

    private static async Task<(ContainerOutcome Outcome, List<string> Lines)> RunAsync(Func<ContainerSpec, ContainerSpec> with)
    {
        var lines = new List<string>();
        return (await RunAsync(with, lines.Add, Cancellation), lines);
    }

    private static async Task<ContainerOutcome> RunAsync(Func<ContainerSpec, ContainerSpec> with, Action<string> take, CancellationToken cancellation)
    {
        await using var runtime = await ConnectAsync();
        return await runtime.RunAsync(with(Shell(await ImageOfShellAsync())), take, cancellation);
    }
}
