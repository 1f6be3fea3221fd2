using System.Text;
using Loadline.Checkpoints;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

public sealed class DockerRuntimeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static ContainerSpec Spec => new()
    {
        Command = ["/bin/load", "model.pth"],
        Image = "some:image",
        CapBytes = 64 * ByteSize.MiB,
        Timeout = TimeSpan.FromMinutes(1),
    };

    private static ContainerSpec Worker => Spec with { Command = [ContainerSpec.Worker, "model.pth"], Image = null };

    [Fact]
    public async Task Waiting_and_reading_begin_before_the_start()
    {
        await using var engine = new StandInEngine();
        await RunAsync(engine, Spec);

        var start = engine.IndexOf("/start");
        engine.IndexOf("/wait?condition=next-exit").Should().BeInRange(0, start - 1);
        engine.IndexOf("/attach?stream=1&stdout=1&stderr=1").Should().BeInRange(0, start - 1);
        engine.IndexOf("DELETE /v1.41/containers/c0ffee?force=1").Should().BeGreaterThan(start);
    }

    [Fact]
    public async Task The_limits_that_are_asked_for_leave_no_swap_no_network_and_nothing_to_write()
    {
        await using var engine = new StandInEngine();
        await RunAsync(engine, Spec with { Mounts = ["/data/model"], Gpus = 2, Environment = new Dictionary<string, string> { ["A"] = "b" } });

        engine.Bodies["POST /containers/create"].Should()
            .Contain("\"Memory\":67108864,\"MemorySwap\":67108864")
            .And.Contain("\"NetworkMode\":\"none\"").And.Contain("\"ReadonlyRootfs\":true").And.Contain("\"AutoRemove\":false").And.Contain("\"PidsLimit\":1024")
            .And.Contain("{\"Source\":\"/data/model\",\"Target\":\"/data/model\",\"ReadOnly\":true,\"Type\":\"bind\"}")
            .And.Contain("\"Driver\":\"nvidia\"").And.Contain("\"Count\":2")
            .And.Contain("\"Entrypoint\":[\"/bin/load\"],\"Cmd\":[\"model.pth\"],\"Env\":[\"A=b\"]")
            .And.Contain($"\"loadline.owner\":\"{Owner.Self}\"").And.Contain("\"loadline.run\"");
    }

    [Fact]
    public async Task Output_and_errors_are_told_apart()
    {
        await using var engine = new StandInEngine { Output = [Frame(1, "one\ntw"), Frame(2, "wrong\n"), Frame(1, "o\r\nthree")] };
        var (outcome, lines) = await RunAsync(engine, Spec);

        lines.Should().Equal("one", "two", "three");
        outcome.ErrorLines.Should().Equal("wrong");
        outcome.Should().BeEquivalentTo(new { ExitCode = 0, KilledByCap = false, TimedOut = false });
    }

    [Theory]
    [InlineData(true, "", true)]
    [InlineData(false, """{"Action":"oom"}""", true)]
    [InlineData(false, "", false)]
    public async Task A_kill_is_the_caps_if_the_engines_flag_or_its_event_says_so(bool flag, string events, bool killedByCap)
    {
        var state = $$"""{"OOMKilled":{{(flag ? "true" : "false")}},"ExitCode":137,"StartedAt":"2026-11-01T00:00:00.5Z","FinishedAt":"2026-11-01T00:00:02Z"}""";
        await using var engine = new StandInEngine { State = state, Events = events };
        var (outcome, _) = await RunAsync(engine, Spec);

        outcome.Should().BeEquivalentTo(new { ExitCode = 137, KilledByCap = killedByCap, TimedOut = false });
        if (!flag) engine.Requests.Should().Contain(request => request.Contains("/events?since=1793491200.5000000&until=1793491204.0000000"));
    }

    [Fact]
    public async Task An_oom_kill_of_a_child_that_the_program_survived_is_no_kill_of_the_program()
    {
        await using var engine = new StandInEngine { State = """{"OOMKilled":true,"ExitCode":1}""" };
        var (outcome, _) = await RunAsync(engine, Spec);

        outcome.Should().BeEquivalentTo(new { ExitCode = 1, KilledByCap = false });
    }

    [Fact]
    public async Task A_warning_fails_the_run_before_it_starts()
    {
        await using var engine = new StandInEngine { Created = """{"Id":"c0ffee","Warnings":["no swap limit"]}""" };
        var run = () => RunAsync(engine, Spec);

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: the Engine would not hold all limits: no swap limit");
        engine.IndexOf("/start").Should().Be(-1);
        engine.IndexOf("DELETE").Should().BeGreaterThan(0);
    }

    [Fact]
    public async Task The_timeout_kills_and_removes_the_container()
    {
        await using var engine = new StandInEngine { RunsForever = true, State = """{"OOMKilled":false,"ExitCode":137}""" };
        var (outcome, _) = await RunAsync(engine, Spec with { Timeout = TimeSpan.FromMilliseconds(50) });

        outcome.Should().BeEquivalentTo(new { ExitCode = 137, KilledByCap = false, TimedOut = true });
        engine.IndexOf("/kill").Should().BeInRange(1, engine.IndexOf("DELETE") - 1);
    }

    [Fact]
    public async Task Cancellation_removes_the_container()
    {
        await using var engine = new StandInEngine { RunsForever = true, Output = [Frame(1, "here\n")] };
        await using var runtime = await ConnectAsync(engine);
        using var cancellation = new CancellationTokenSource();

        var run = () => runtime.RunAsync(Spec, _ => cancellation.Cancel(), cancellation.Token);

        await run.Should().ThrowAsync<OperationCanceledException>();
        engine.IndexOf("DELETE /v1.41/containers/c0ffee?force=1").Should().BeGreaterThan(0);
    }

    [Theory]
    [InlineData("could not select device driver \\\"nvidia\\\" with capabilities: [[gpu]]", "docker: the Engine has no GPU driver: install*")]
    [InlineData(
        "error running prestart hook #0: exit status 1, stderr: Auto-detected mode as 'legacy'\\nnvidia-container-cli: device error: 1: unknown device\\n",
        "docker: the Engine cannot pass in 1 of this machine's GPUs: device error: 1: unknown device; see what nvidia-smi shows")]
    [InlineData("exec: \\\"/bin/load\\\":\\n no such file", "docker: '/bin/load model.pth' cannot be started: exec: \"/bin/load\": no such file")]
    public async Task A_start_that_fails_says_why_and_removes_the_container(string message, string expected)
    {
        await using var engine = new StandInEngine { Answers = { ["POST /containers/c0ffee/start"] = (500, $$"""{"message":"{{message}}"}""") } };
        var run = () => RunAsync(engine, Spec with { Gpus = 1 });

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage(expected);
        engine.IndexOf("DELETE").Should().BeGreaterThan(0);
    }

    [Fact]
    public async Task A_missing_image_is_named()
    {
        await using var engine = new StandInEngine { Answers = { ["POST /containers/create"] = (404, """{"message":"No such image: some:image"}""") } };
        var run = () => RunAsync(engine, Spec);

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: there is no image 'some:image' here: pull it, or build it*");
    }

    [Fact]
    public async Task The_workers_image_is_made_again_if_it_was_removed_under_our_feet()
    {
        await using var engine = new StandInEngine
        {
            Answers = { ["GET /images/loadline-worker"] = (200, "{}") },
            FirstAnswers = { ["POST /containers/create"] = (404, """{"message":"No such image"}""") },
        };
        var (outcome, _) = await RunAsync(engine, Worker);

        outcome.ExitCode.Should().Be(0);
        engine.Requests.Count(request => request.Contains("/containers/create", StringComparison.Ordinal)).Should().Be(2);
        engine.Bodies["POST /containers/create"].Should().Contain("\"Entrypoint\":null,\"Cmd\":[\"model.pth\"]").And.Contain("DOTNET_GCgen0size=100000");
    }

    [Fact]
    public async Task An_import_that_fails_under_way_is_an_error()
    {
        const string Progress = """
            {"status":"Importing"}
            {"errorDetail":{"message":"no space left on device"},"error":"no space left on device"}
            """;
        await using var engine = new StandInEngine { Answers = { ["POST /images/create"] = (200, Progress) } };
        var run = () => RunAsync(engine, Worker);

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: the image loadline-worker:* cannot be made: no space left on device");
    }

    [Fact]
    public async Task An_error_that_is_no_json_is_shown_with_its_status()
    {
        await using var engine = new StandInEngine { Answers = { ["POST /containers/create"] = (502, "<html>\nbad gateway") } };
        var run = () => RunAsync(engine, Spec);

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: status 502 <html> bad gateway");
    }

    [Fact]
    public async Task A_cap_below_the_engines_minimum_is_refused_before_anything_is_made()
    {
        await using var engine = new StandInEngine();
        var run = () => RunAsync(engine, Spec with { CapBytes = 4 * ByteSize.MiB });

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: a cap of 4 MiB is below the Engine's minimum of 6 MiB");
        engine.IndexOf("/create").Should().Be(-1);
    }

    [Theory]
    [InlineData("MemoryLimit")]
    [InlineData("SwapLimit")]
    public async Task An_engine_that_cannot_hold_a_limit_is_refused(string flag)
    {
        var info = """{"MemoryLimit":true,"SwapLimit":true}""".Replace($"\"{flag}\":true", $"\"{flag}\":false", StringComparison.Ordinal);
        await using var engine = new StandInEngine { Info = info };
        var connect = () => ConnectAsync(engine);

        (await connect.Should().ThrowAsync<RuntimeException>()).WithMessage($"docker: the Engine cannot limit *{flag} false*");
    }

    [Fact]
    public async Task Containers_of_a_harness_that_is_gone_are_swept_and_no_others()
    {
        var gone = Owner.Self with { StartTicks = 1 };
        var elsewhere = Owner.Self with { Boot = "another" };
        await using var engine = new StandInEngine
        {
            Containers = $$$"""
                [{"Id":"gone","Labels":{"loadline.owner":"{{{gone}}}","loadline.until":"99999999999"}},
                 {"Id":"ours","Labels":{"loadline.owner":"{{{Owner.Self}}}","loadline.until":"1"}},
                 {"Id":"elsewhere-late","Labels":{"loadline.owner":"{{{elsewhere}}}","loadline.until":"1"}},
                 {"Id":"elsewhere-busy","Labels":{"loadline.owner":"{{{elsewhere}}}","loadline.until":"99999999999"}}]
                """,
        };
        await using var runtime = await ConnectAsync(engine);

        engine.Requests.Where(request => request.StartsWith("DELETE", StringComparison.Ordinal)).Should().Equal(
            "DELETE /v1.41/containers/gone?force=1&v=1", "DELETE /v1.41/containers/elsewhere-late?force=1&v=1");
    }

    [Fact]
    public async Task It_describes_itself_by_engine_and_cgroup_version()
    {
        await using var engine = new StandInEngine();
        await using var runtime = await ConnectAsync(engine);

        runtime.Description.Should().Be("docker 20.10.24, cgroup v1");
        runtime.CgroupVersion.Should().Be(1);
    }

    private static byte[] Frame(byte stream, string text)
    {
        var payload = Encoding.UTF8.GetBytes(text);
        return [stream, 0, 0, 0, 0, 0, 0, (byte)payload.Length, .. payload];
    }

    private static Task<DockerRuntime> ConnectAsync(StandInEngine engine) =>
        DockerRuntime.ConnectAsync("/bin/sh", new EngineAddress("unix://" + engine.SocketPath), Cancellation);

    private static async Task<(ContainerOutcome Outcome, List<string> Lines)> RunAsync(StandInEngine engine, ContainerSpec spec)
    {
        await using var runtime = await ConnectAsync(engine);
        var lines = new List<string>();
        var outcome = await runtime.RunAsync(spec, lines.Add, Cancellation);
        return (outcome, lines);
    }
}
