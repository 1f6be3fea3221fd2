using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Commands;

/// <summary><c>run CHECKPOINT</c> and <c>load --cap</c>, which open the file first.</summary>
public sealed class RunCheckpointTests : IDisposable
{
    private static readonly string Tiny = Fixtures.Path("gpt2-tiny.pth");

    private readonly FakeHarness _loadline = new(spec => Strategy(spec) switch
    {
        "mmap-assign" => FakeEnd.Used(3, 1, 0),
        "meta-assign" => FakeEnd.Failed(4, "device-oom", "sim:1MiB is full"),
        "per-tensor" or "streamed" => FakeEnd.Loaded(9),
        _ => FakeEnd.Killed(900),
    });

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task Every_strategy_uses_its_weights_and_what_reads_them_again_thrashes()
    {
        using var loadline = new FakeHarness(spec => Strategy(spec) == "mmap-assign" ? FakeEnd.Used(3, 1, 1) : FakeEnd.Used(9, 1, 0));

        (await loadline.RunAsync("run", Tiny, "--cap", "1GiB", "--passes", "2")).Should().Be(0);

        loadline.Out.Should().MatchRegex(@"no +mmap-assign +1 GiB +- +thrashed +3 +200 +1.00 +0.5").And.MatchRegex(@"ok +streamed +1 GiB +- +loaded +9 +200 +0.00 +0.5")
            .And.Contain("10 of 10 survive 1 GiB, 1 of them thrashing, in ").And.NotContain("take mmap-assign");
    }

    [Fact]
    public async Task Every_strategy_runs_and_what_survives_is_counted()
    {
        (await _loadline.RunAsync("run", Tiny, "--cap", "1GiB", "--device", "sim:1MiB")).Should().Be(0);

        _loadline.Runtime.Specs.Select(Strategy).Should().Equal(Loadline.Strategies.StrategyCatalog.All.Select(s => s.Name));
        _loadline.Runtime.Specs.Should().OnlyContain(s => s.CapBytes == 1 << 30 && s.Command.Contains("sim:1MiB") && s.Command[1] == Tiny);
        _loadline.Out.Should().MatchRegex(@"no +eager +1 GiB +- +killed +†900 +- +[\d.]+\n").And.MatchRegex(@"ok +mmap-assign +1 GiB +- +loaded +3 +200 +0.5")
            .And.MatchRegex(@"3 of 10 survive 1 GiB in .*, cold, fake 1.0, cgroup v2; mmap-assign takes the least memory\nUnder this cap take mmap-assign\. The lowest caps that are safe: 32 MiB for .*mmap-assign.*\n$")
            .And.NotMatchRegex("safe: .*eager", "it was killed above the cap that was planned");
    }

    [Theory]
    [InlineData("run", "--cap", "1GiB")]
    [InlineData("load", "--cap", "1GiB", "--strategy", "mmap-assign")]
    [InlineData("floor", "--strategy", "mmap-assign")]
    public async Task A_device_that_is_a_GPU_is_asked_for(string command, params string[] options)
    {
        (await _loadline.RunAsync([command, Tiny, .. options, "--device", "cuda:1"])).Should().Be(0);

        _loadline.Runtime.Specs.Should().NotBeEmpty().And.OnlyContain(s => s.Gpus == 2);
    }

    [Theory]
    [InlineData("run", "--cap", "1GiB")]
    [InlineData("load", "--cap", "1GiB", "--strategy", "mmap-assign")]
    [InlineData("floor", "--strategy", "mmap-assign")]
    public async Task A_dtype_goes_to_the_worker(string command, params string[] options)
    {
        (await _loadline.RunAsync([command, Tiny, .. options, "--dtype", "bfloat16,out_head.*=float32"])).Should().Be(0);

        _loadline.Runtime.Specs.Should().NotBeEmpty().And.OnlyContain(s => string.Join(' ', s.Command).Contains(" --dtype bfloat16,out_head.*=float32"));
    }

    [Theory]
    [InlineData("load", "--cap", "1GiB", "--strategy", "mmap-assign", "--device", "cpu")]
    [InlineData("floor", "--strategy", "mmap-assign", "--device", "cpu")]
    public async Task An_engine_that_a_runtime_cannot_have_is_told_before_it_is_loaded_with(string command, params string[] options)
    {
        _loadline.Runtime.WhyNoLibtorch = "fake: there is no image";

        (await _loadline.RunAsync([command, Tiny, .. options, "--engine", "libtorch"])).Should().Be(3);

        _loadline.Error.Should().Be("loadline: fake: there is no image\n");
        _loadline.Runtime.Specs.Should().BeEmpty();
        _loadline.Runtime.Disposed.Should().BeTrue();
    }

    [Fact]
    public async Task A_load_that_broke_is_no_answer()
    {
        using var broken = new FakeHarness(_ => FakeEnd.Failed(5, "verification-failed", "tensor 'a' differs"));

        (await broken.RunAsync("run", Tiny, "--cap", "1GiB")).Should().Be(3);

        broken.Out.Should().Contain("eager of gpt2-tiny.pth on cpu under 1 GiB loaded weights that are not those of the file: tensor 'a' differs");
    }

    [Fact]
    public async Task A_file_that_is_refused_is_one_line_and_no_run()
    {
        var text = _loadline.Folder["notes.txt"];
        File.WriteAllText(text, "not a checkpoint");

        (await _loadline.RunAsync("run", text, "--cap", "1GiB")).Should().Be(2);

        _loadline.Error.Should().StartWith($"loadline: {text}: ").And.EndWith("\n").And.Subject.Split('\n').Should().HaveCount(2);
        _loadline.Runtime.Specs.Should().BeEmpty();
    }

    [Theory]
    [InlineData("mmap-assign", 0, "")]
    [InlineData("eager", 137, "loadline: eager of gpt2-tiny.pth on cpu was to load under 1 GiB but was killed by the cap in phase copy: last seen with 900 MiB of anonymous memory\n")]
    [InlineData("meta-assign", 4, "loadline: meta-assign of gpt2-tiny.pth on cpu was to load under 1 GiB but ran out of device memory in phase open: sim:1MiB is full\n")]
    public async Task A_load_under_a_cap_has_the_workers_exit_code(string strategy, int exitCode, string error)
    {
        (await _loadline.RunAsync("load", Tiny, "--strategy", strategy, "--cap", "1GiB", "--verify", "digest")).Should().Be(exitCode);

        _loadline.Error.Should().Be(error);
        _loadline.Runtime.Specs.Single().Command.Should().ContainInOrder("--verify", "digest");
        _loadline.Runtime.Disposed.Should().BeTrue();
    }

    private static string Strategy(ContainerSpec spec) => spec.Command.ElementAtOrDefault(3) ?? "none";
}
