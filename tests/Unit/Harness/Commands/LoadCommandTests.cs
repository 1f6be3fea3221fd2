using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Forward;
using Loadline.Measuring;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Harness.Commands;

public sealed class LoadCommandTests : IDisposable
{
    private readonly FakeHarness _loadline = new();

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task In_process_the_report_is_printed()
    {
        (await _loadline.RunAsync("load", "w.pth", "--strategy", "mmap-assign")).Should().Be(0);

        _loadline.Out.ReplaceLineEndings("\n").Should().Be("""
            mmap-assign loaded pth on cpu in 0.50 s, cold, engine native
              weights             1000 B in 413 tensors, 1000 B of them mapped
              engine's count      0 B on the host, 0 B on the device
              peak anonymous      9 MiB, in phase read (2 MiB before the load)
              peak RSS            200 MiB, mapped pages included
              peak of the cgroup  10 MiB, page cache and all else that runs in it included
              verified            no

            """);
    }

    [Fact]
    public async Task What_was_read_past_the_page_cache_is_said_to_be()
    {
        _loadline.InProcess = _ => (0, [FakeEnd.Report(9) with { DirectBytes = 1000 }]);

        (await _loadline.RunAsync("load", "w.pth", "--strategy", "mmap-assign")).Should().Be(0);

        _loadline.Out.Should().StartWith("mmap-assign loaded pth on cpu in 0.50 s, cold, past the page cache, engine native");
    }

    [Fact]
    public async Task With_json_there_are_the_members_of_the_report_and_nothing_else()
    {
        (await _loadline.RunAsync("load", "w.pth", "--strategy", "mmap-assign", "--json")).Should().Be(0);

        using var json = JsonDocument.Parse(_loadline.Out);
        json.RootElement.EnumerateObject().Select(m => m.Name).Should().BeEquivalentTo(
            "strategy", "engine", "device", "format", "dtype", "seconds", "processes", "tensors", "weightBytes", "cold", "directBytes", "hostBytes", "deviceBytes", "driverDeviceBytes", "driverBaselineBytes", "mappedBytes",
            "baselineAnonymousBytes", "peakAnonymousBytes", "peakRssBytes", "peakCgroupBytes", "majorFaults", "deviceMap", "devices", "choice", "peakPhase", "holders");
    }

    [Fact]
    public async Task The_request_has_all_options()
    {
        LoadRequest? seen = null;
        _loadline.InProcess = request =>
        {
            seen = request;
            return (0, [FakeEnd.Report(9)]);
        };

        await _loadline.RunAsync(
            ["load", "w.pth", "--strategy", "streamed", "--device", "sim:4GiB", "--engine", "native", "--dtype", "auto,out_head.*=float32", "--ring", "16MiB", "--readers", "3", "--reads", "direct", "--verify", "digest"]);

        seen.Should().Be(new LoadRequest(
            "w.pth",
            new LoadOptions
            {
                Strategy = "streamed",
                Device = Device.Sim(4L << 30),
                DType = TargetDType.Auto.With("out_head.*", DType.Float32),
                RingBytes = 16 << 20,
                Readers = 3,
                Reads = ReadMode.Direct,
            },
            VerifyDigests: true));
    }

    [Fact]
    public async Task Under_a_cap_the_worker_gets_what_was_asked_for_and_else_its_own_defaults()
    {
        var tiny = Fixtures.Path("gpt2-tiny.pth");

        await _loadline.RunAsync("load", tiny, "--strategy", "streamed", "--device", "sim:1GiB", "--cap", "64MiB");
        await _loadline.RunAsync("load", tiny, "--strategy", "streamed", "--device", "sim:1GiB", "--cap", "64MiB", "--readers", "3", "--reads", "cached");

        _loadline.Runtime.Specs[0].Command.Should().NotContain(["--readers", "--reads"]);
        string.Join(' ', _loadline.Runtime.Specs[1].Command).Should().EndWith("--readers 3 --reads cached");
    }

    [Fact]
    public async Task A_forward_is_asked_for_and_printed()
    {
        LoadRequest? seen = null;
        _loadline.InProcess = request =>
        {
            seen = request;
            var report = FakeEnd.Report(9) with { Forward = new ForwardResult([[1, 2, 3]], [new TopLogit(91, 1.39355f), new TopLogit(3, -0.5f)]) };
            return (0, [report, new VerifiedEvent(413, 1000, "the recorded logits")]);
        };

        await _loadline.RunAsync("load", "w.pth", "--strategy", "mmap-assign", "--verify", "forward", "--heads", "4", "--resident", "448MiB");

        seen.Should().Be(new LoadRequest("w.pth", new LoadOptions { Strategy = "mmap-assign" }) { Forward = new ForwardOptions(4, 448L << 20) });
        _loadline.Out.ReplaceLineEndings("\n").Should().EndWith("""
              forward             [1, 2, 3] → 91 (1.3936), 3 (-0.5000)
              verified            413 tensors, 1000 B, against the recorded logits

            """);
    }

    [Fact]
    public async Task Uses_are_asked_for_and_printed()
    {
        LoadRequest? seen = null;
        _loadline.InProcess = request =>
        {
            seen = request;
            return (0, [FakeEnd.Report(9) with { Passes = [FakeEnd.Pass(1.2), FakeEnd.Pass(0)] }]);
        };

        await _loadline.RunAsync("load", "w.pth", "--strategy", "mmap-assign", "--passes", "2", "--use", "forward", "--heads", "4");

        seen.Should().Be(new LoadRequest("w.pth", new LoadOptions { Strategy = "mmap-assign" }) { Passes = 2, Use = WeightUse.Forward, UseForward = new ForwardOptions(4) });
        _loadline.Out.ReplaceLineEndings("\n").Should().Contain("""
              use 1               0.50 s, 1.2 KiB read from the disk (1.20 of the weights), 3 major faults, 7 refaults
              use 2               0.50 s, 0 B read from the disk (0.00 of the weights), 3 major faults, 7 refaults
            """);
    }

    [Fact]
    public async Task A_forward_stands_in_the_json()
    {
        _loadline.InProcess = _ => (0, [FakeEnd.Report(9) with { Forward = new ForwardResult([[1, 2, 3]], [new TopLogit(91, 1.5f)]) }]);

        await _loadline.RunAsync("load", "w.pth", "--strategy", "mmap-assign", "--verify", "forward", "--json");

        _loadline.Out.Should().Contain("""
            "forward":{"input":[[1,2,3]],"top":[{"index":91,"logit":1.5}]}
            """);
    }

    [Theory]
    [InlineData(ExitCodes.Refused)]
    [InlineData(ExitCodes.DeviceOutOfMemory)]
    [InlineData(ExitCodes.VerificationFailed)]
    public async Task A_failure_is_one_line_and_the_workers_exit_code(int exitCode)
    {
        _loadline.InProcess = _ => (exitCode, [new FailedEvent("kind", "w.pth: what is wrong")]);

        (await _loadline.RunAsync("load", "w.pth", "--strategy", "eager", "--json")).Should().Be(exitCode);

        _loadline.Error.Should().Be("loadline: w.pth: what is wrong\n");
        _loadline.Out.Should().Be("{\"outcome\":\"kind\",\"message\":\"w.pth: what is wrong\"}\n", "what reads JSON is told as well");
    }

    [Fact]
    public async Task A_load_that_the_cap_killed_says_what_it_needs_to_people_and_to_programs()
    {
        using var killed = new FakeHarness(_ => FakeEnd.Killed(90));
        using (var writer = CheckpointWriter.Create(killed.Folder["w.safetensors"], CheckpointFormat.Safetensors, [new("w", DType.UInt8, [32 << 20])]))
        {
            writer.Write(new byte[32 << 20]);
            writer.Commit();
        }

        (await killed.RunAsync("load", killed.Folder["w.safetensors"], "--strategy", "eager", "--cap", "32MiB", "--json")).Should().Be(137);

        killed.Error.Should().MatchRegex(@"was killed by the cap in phase copy.*; it needs a cap of \d+ MiB by the plan, and `loadline plan` shows what fits under this one\n$");
        killed.Out.Should().MatchRegex("""^\{"outcome":"killed","message":".*","neededCapBytes":\d+\}\n$""");
    }

    [Theory]
    [InlineData("load w.pth", "Option '--strategy' is required")]
    [InlineData("load w.pth --strategy magic", "unknown strategy 'magic': known are eager, cpu-then-to,*")]
    [InlineData("load w.pth --strategy eager --engine jax", "unknown engine 'jax': known are native, libtorch, torchsharp")]
    [InlineData("load w.pth --strategy eager --verify crc", "unknown verification 'crc': known are digest, forward")]
    [InlineData("load w.pth --strategy eager --verify forward --heads none", "--heads 'none' is not a number from 1 on")]
    [InlineData("load w.pth --strategy eager --use forward", "--use says what a pass does: it needs --passes, as in --passes 3")]
    [InlineData("load w.pth --strategy eager --passes 0", "--passes '0' is not a number from 1 to 64")]
    [InlineData("load w.pth --strategy eager --heads 4", "--heads needs --verify forward, or --use forward")]
    [InlineData("load w.pth --strategy eager --verify digest --resident 1MiB", "--resident needs --verify forward, or --use forward")]
    [InlineData("load w.pth --strategy eager --dtype int8", "'int8' is no dtype to load as: known are float32, float16, bfloat16, float64, auto, and for some names another, as in bfloat16,lm_head.*=float32")]
    [InlineData("load w.pth --strategy eager --cap 8MiB", "--cap 8MiB is too small: the least is 32 MiB")]
    [InlineData("load w.pth --strategy streamed --ring 1MiB", "--ring 1MiB is too small: the least is 2 MiB")]
    [InlineData("load w.pth --strategy streamed --readers 0", "--readers '0' is not a number from 1 to 1024")]
    [InlineData("load w.pth --strategy streamed --readers 1025", "--readers '1025' is not a number from 1 to 1024")]
    [InlineData("load w.pth --strategy streamed --reads fast", "unknown read mode 'fast': known are auto, cached, direct")]
    public async Task A_bad_argument_is_exit_code_2_and_one_line(string arguments, string problem)
    {
        (await _loadline.RunAsync(arguments.Split(' '))).Should().Be(2);

        _loadline.Error.TrimEnd().Should().Match($"loadline: {problem}; see `loadline load --help`").And.NotContain("\n");
    }

    [Fact]
    public async Task A_cap_under_which_the_engine_thrashes_is_refused()
    {
        (await _loadline.RunAsync("load", "w.pth", "--strategy", "eager", "--engine", "libtorch", "--cap", "64MiB")).Should().Be(2);

        _loadline.Error.TrimEnd().Should().Be("loadline: --cap 64 MiB is too small for the engine libtorch: the least is 96 MiB");
    }
}
