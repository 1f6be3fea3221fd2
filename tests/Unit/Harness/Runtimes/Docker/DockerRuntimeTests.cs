using System.Text;
using System.Text.Json;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;
using Loadline.Harness.Runtimes.Images;

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
    public async Task Reading_begins_before_the_start_and_removal_comes_last()
    {
        await using var engine = new StandInEngine();
        await RunAsync(engine, Spec);

        var start = engine.IndexOf("/start");
        engine.IndexOf("/attach").Should().BeInRange(0, start - 1);
        engine.IndexOf("DELETE /v1.41/containers/c0ffee").Should().BeGreaterThan(start);
    }

    [Fact]
    public async Task The_limits_that_are_asked_for_leave_no_swap_no_network_and_nothing_to_write()
    {
        await using var engine = new StandInEngine();
        await RunAsync(engine, Spec with { Mounts = ["/data/model"], Gpus = 2, Environment = new Dictionary<string, string> { ["A"] = "b" } });

        using var json = JsonDocument.Parse(engine.Bodies["POST /containers/create"]);
        var (container, host) = (json.RootElement, json.RootElement.GetProperty("HostConfig"));
        (host.GetProperty("Memory").GetInt64(), host.GetProperty("MemorySwap").GetInt64()).Should().Be((64 * ByteSize.MiB, 64 * ByteSize.MiB));
        host.GetProperty("NetworkMode").GetString().Should().Be("none");
        host.GetProperty("ReadonlyRootfs").GetBoolean().Should().BeTrue();
        host.GetProperty("AutoRemove").GetBoolean().Should().BeFalse();
        host.GetProperty("PidsLimit").GetInt64().Should().Be(1024);
        var mount = host.GetProperty("Mounts").EnumerateArray().Should().ContainSingle().Subject;
        (mount.GetProperty("Type").GetString(), mount.GetProperty("ReadOnly").GetBoolean()).Should().Be(("bind", true));
        (mount.GetProperty("Source").GetString(), mount.GetProperty("Target").GetString()).Should().Be(("/data/model", "/data/model"));
        var gpus = host.GetProperty("DeviceRequests").EnumerateArray().Should().ContainSingle().Subject;
        (gpus.GetProperty("Driver").GetString(), gpus.GetProperty("Count").GetInt32()).Should().Be(("nvidia", 2));
        container.GetProperty("Tty").GetBoolean().Should().BeFalse();
        Texts(container.GetProperty("Entrypoint")).Should().Equal("/bin/load");
        Texts(container.GetProperty("Cmd")).Should().Equal("model.pth");
        Texts(container.GetProperty("Env")).Should().Equal("A=b");
        container.GetProperty("Labels").GetProperty("loadline.owner").GetString().Should().Be(Owner.Self.ToString());
        var run = container.GetProperty("Labels").GetProperty("loadline.run").GetString();
        engine.Requests.Should().ContainSingle(r => r.Contains("/containers/create", StringComparison.Ordinal)).Which.Should().Contain($"name=loadline-{run}-", "which is how the next run knows it");
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
    public async Task What_became_of_its_own_children_a_worker_says_itself()
    {
        await using var engine = new StandInEngine { State = """{"OOMKilled":true,"ExitCode":1}""" };
        var (outcome, _) = await RunAsync(engine, Worker);

        outcome.Should().BeEquivalentTo(new { ExitCode = 1, KilledByCap = false });
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"../images/victim\"")]
    public async Task What_is_no_id_is_not_asked_for(string id)
    {
        await using var engine = new StandInEngine { Created = $$"""{"Id":{{id}},"Warnings":null}""" };
        var run = () => RunAsync(engine, Spec);

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: the Engine does not answer as its API says: * is no container's id");
        engine.IndexOf("DELETE").Should().Be(-1);
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
        engine.IndexOf("DELETE /v1.41/containers/c0ffee").Should().BeGreaterThan(0);
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

    [Theory]
    [InlineData(256)]
    [InlineData(-1)]
    [InlineData(1L << 32)]
    public async Task What_no_program_ends_with_is_no_exit_code(long code)
    {
        await using var engine = new StandInEngine { State = $$"""{"OOMKilled":false,"ExitCode":{{code}}}""" };
        var run = () => RunAsync(engine, Spec);

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage($"docker: the Engine does not answer as its API says: {code} is no exit code");
    }

    [Fact]
    public async Task A_missing_image_is_named()
    {
        await using var engine = new StandInEngine { Answers = { ["POST /containers/create"] = (404, """{"message":"No such image: some:image"}""") } };
        var run = () => RunAsync(engine, Spec);

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: there is no image 'some:image' here: pull it, or build it*");
    }

    [Theory]
    [InlineData(404, "no such image: some:image")]
    [InlineData(400, "no such image: some:image: invalid reference format")]
    public async Task What_is_no_image_here_is_told_before_a_run(int status, string message)
    {
        await using var engine = new StandInEngine { Answers = { ["GET /images/some:image"] = (status, $$"""{"message":"{{message}}"}""") } };
        await using var runtime = await ConnectAsync(engine);

        (await runtime.WhyNoImageAsync("some:image", TestContext.Current.CancellationToken)).Should().StartWith("docker: there is no image 'some:image' here");
    }

    [Theory]
    [InlineData(".")]
    [InlineData("../version#")]
    [InlineData("some/../../containers")]
    [InlineData("some%2f..")]
    [InlineData("json?all=1&x=")]
    public async Task What_would_be_another_question_is_no_images_name(string name)
    {
        await using var engine = new StandInEngine();
        await using var runtime = await ConnectAsync(engine);
        var asked = engine.Requests.Count;

        (await runtime.WhyNoImageAsync(name, TestContext.Current.CancellationToken)).Should().StartWith($"docker: there is no image '{name}' here");
        engine.Requests.Should().HaveCount(asked);
    }

    [Fact]
    public async Task The_workers_image_is_made_again_if_it_was_removed_under_our_feet()
    {
        await using var engine = new StandInEngine
        {
            FirstAnswers = { ["POST /containers/create"] = (404, """{"message":"No such image"}""") },
        };
        var (outcome, _) = await RunAsync(engine, Worker);

        outcome.ExitCode.Should().Be(0);
        engine.Requests.Count(request => request.Contains("/containers/create", StringComparison.Ordinal)).Should().Be(2);
        using var json = JsonDocument.Parse(engine.Bodies["POST /containers/create"]);
        json.RootElement.TryGetProperty("Entrypoint", out _).Should().BeFalse("the image has its own");
        Texts(json.RootElement.GetProperty("Cmd")).Should().Equal("model.pth");
        Texts(json.RootElement.GetProperty("Env")).Should().Contain("DOTNET_GCgen0size=100000");
    }

    [Theory]
    [InlineData("{}", "it tells nothing of itself")]
    [InlineData("""{"Id":"ID","RootFS":{"Layers":["sha256:0"]},"Config":{"Entrypoint":["/loadline-worker"]}}""", "another layer")]
    [InlineData("""{"Id":"ID","RootFS":{"Layers":["LAYER","LAYER"]},"Config":{"Entrypoint":["/loadline-worker"]}}""", "a layer above it")]
    [InlineData("""{"Id":"ID","RootFS":{"Layers":["LAYER"]},"Config":{"Entrypoint":["/loadline-worker"],"Env":["LD_PRELOAD=/x"]}}""", "what runs in it before the worker")]
    [InlineData("""{"Id":"ID","RootFS":{"Layers":["LAYER"]},"Config":{"Entrypoint":["/loadline-worker","--quiet"]}}""", "another start")]
    public async Task Another_image_under_the_workers_name_is_not_run(string image, string why)
    {
        await using var engine = new StandInEngine { Answers = { ["GET /images/loadline-worker"] = (200, Image(image, await LayerAsync())) } };
        var (outcome, _) = await RunAsync(engine, Worker);

        outcome.ExitCode.Should().Be(0);
        using var json = JsonDocument.Parse(engine.Bodies["POST /containers/create"]);
        json.RootElement.GetProperty("Image").GetString().Should().Be(StandInEngine.MadeImage["sha256:".Length..], why);
    }

    [Fact]
    public async Task The_workers_image_is_run_by_its_id_and_not_made_twice()
    {
        var image = Image("""{"Id":"ID","RootFS":{"Layers":["LAYER"]},"Config":{"Entrypoint":["/loadline-worker"],"Env":[],"WorkingDir":"/"}}""", await LayerAsync());
        await using var engine = new StandInEngine { Answers = { ["GET /images/loadline-worker"] = (200, image) } };
        await RunAsync(engine, Worker);

        engine.IndexOf("/images/create").Should().Be(-1);
        using var json = JsonDocument.Parse(engine.Bodies["POST /containers/create"]);
        json.RootElement.GetProperty("Image").GetString().Should().Be(new string('b', 64));
    }

    private static string Image(string json, string layer) => json.Replace("ID", "sha256:" + new string('b', 64)).Replace("LAYER", layer);

    private static async Task<string> LayerAsync()
    {
        var contents = new ImageContents();
        await contents.AddProgramAsync("/bin/sh", "/loadline-worker", Cancellation);
        return contents.LayerDigest();
    }

    [Fact]
    public async Task Images_of_earlier_workers_of_the_same_checkout_go_when_a_new_one_is_made_and_no_others()
    {
        await using var engine = new StandInEngine
        {
            Answers =
            {
                ["GET /images/loadline-worker"] = (404, """{"message":"No such image"}"""),
                ["GET /images/json"] = (200, """[{"Id":"sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","RepoTags":["loadline-worker:1"],"Created":1},{"Id":"sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","RepoTags":["my/image:1"],"Created":1}]"""),
                ["POST /images/create"] = (200, "{}"),
                ["DELETE /images/"] = (409, """{"message":"a container uses it"}"""),
            },
        };
        var (outcome, _) = await RunAsync(engine, Worker);

        outcome.ExitCode.Should().Be(0, "an image that is in use stays");
        var asked = Uri.UnescapeDataString(engine.Requests.Single(request => request.Contains("/images/json", StringComparison.Ordinal)));
        asked.Should().Contain("loadline.source=/bin/sh", "only what this worker was made into is looked for");
        Uri.UnescapeDataString(engine.Requests.Single(request => request.Contains("/images/create", StringComparison.Ordinal)))
            .Should().Contain("LABEL loadline.source=\"/bin/sh\"");
        engine.IndexOf("DELETE /v1.41/images/sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee").Should().BeGreaterThan(engine.IndexOf("/images/create"));
        engine.Requests.Should().NotContain(request => request.Contains("/images/sha256:ffff", StringComparison.Ordinal), "somebody built it on a worker's image, whose labels it has");
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 0, 0, 0, 9, 65 })]
    [InlineData(new byte[] { 7, 0, 0, 0, 0, 0, 0, 1, 65 })]
    public async Task Output_that_is_no_stream_of_frames_or_ends_within_one_fails_the_run(byte[] output)
    {
        await using var engine = new StandInEngine { Output = [output] };
        var run = () => RunAsync(engine, Spec);

        (await run.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: the Engine at unix://* broke off:*");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task An_output_that_is_full_is_not_the_Engine_s_fault(byte stream)
    {
        await using var engine = new StandInEngine { Output = [Frame(stream, "line\n")] };
        await using var runtime = await ConnectAsync(engine);
        var run = () => runtime.RunAsync(Spec with { OnErrorLine = _ => throw Full() }, _ => throw Full(), Cancellation);

        (await run.Should().ThrowAsync<IOException>()).WithMessage("standard output cannot be written: No space left on device");

        static IOException Full() => new("standard output cannot be written: No space left on device");
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
    public async Task It_describes_itself_by_engine_and_cgroup_version()
    {
        await using var engine = new StandInEngine();
        await using var runtime = await ConnectAsync(engine);

        runtime.Description.Should().Be("docker 20.10.24, cgroup v1");
        runtime.CgroupVersion.Should().Be(1);
    }

    private static IEnumerable<string?> Texts(JsonElement array) => array.EnumerateArray().Select(item => item.GetString());

    private static byte[] Frame(byte stream, string text)
    {
        var payload = Encoding.UTF8.GetBytes(text);
        return [stream, 0, 0, 0, 0, 0, 0, (byte)payload.Length, .. payload];
    }

    private static Task<DockerRuntime> ConnectAsync(StandInEngine engine) =>
        DockerRuntime.ConnectAsync("/bin/sh", engine.Address, Cancellation);

    private static async Task<(ContainerOutcome Outcome, List<string> Lines)> RunAsync(StandInEngine engine, ContainerSpec spec)
    {
        await using var runtime = await ConnectAsync(engine);
        var lines = new List<string>();
        var outcome = await runtime.RunAsync(spec, lines.Add, Cancellation);
        return (outcome, lines);
    }

    [Theory]
    [InlineData("""{"OOMKilled":true,"ExitCode":0}""", "")]
    [InlineData("""{"OOMKilled":false,"ExitCode":0,"StartedAt":"2026-01-01T00:00:00Z","FinishedAt":"2026-01-01T00:00:01Z"}""", """{"Type":"container","Action":"oom","Actor":{"ID":"c0ffee"}}""")]
    public async Task A_program_that_lost_a_process_to_the_cap_has_not_survived_it_also_where_its_cgroup_is_not_seen(string state, string events)
    {
        await using var engine = new StandInEngine { State = state, Events = events };

        (await RunAsync(engine, Spec)).Outcome.KilledByCap.Should().BeTrue();
    }
}
