using System.Text.Json;
using System.Text.RegularExpressions;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Commands;

public sealed partial class RunCommandTests : IDisposable
{
    private const string Budgets = """
        {
          "checkpoints": { "m": { "model": "gpt2-medium" } },
          "cases": [
            { "name": "eager is killed at half", "checkpoint": "m", "strategy": "eager", "device": "cpu", "cap": "1GiB", "expect": "killed", "why": "twice the weights" },
            { "name": "mmap survives", "checkpoint": "m", "strategy": "mmap-assign", "device": "cpu", "cap": "64MiB", "expect": "loaded",
              "peakAnonymous": "54MiB", "why": "pages are reclaimable" }
          ]
        }
        """;

    private readonly FakeHarness _loadline = new(spec => spec.Command.Contains("eager") ? FakeEnd.Killed(900) : FakeEnd.Loaded(9));

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task All_as_expected_is_exit_code_0_and_one_line_a_case()
    {
        (await RunAsync()).Should().Be(0);

        WithoutTimes(_loadline.Out).Should().Be($"""
            {_loadline.Folder["budgets.json"]}: 2 cases
            making m
                  case                     cap       expected    outcome              anon/budget MiB  RSS MiB       s
            ok    eager is killed at half  1 GiB     killed      killed                          †900        -     TIME
            ok    mmap survives            64 MiB    loaded      loaded                          9/54      200     0.5
            † where a load stood when it was killed, not what it needs
            2 of 2 as expected in TIME, cold, fake 1.0, cgroup v2

            """);
        _loadline.Runtime.Disposed.Should().BeTrue();
    }

    [Fact]
    public async Task Output_that_cannot_be_printed_costs_no_results()
    {
        (await RunAsync()).Should().Be(0);
        _loadline.RoomForOutput = (2 * _loadline.Out.Length) - 10;

        (await RunAsync("--results", _loadline.Folder["results.json"])).Should().Be(3);

        _loadline.Error.Should().Be("loadline: standard output cannot be written: No space left on device\n");
        ResultFile.Read(_loadline.Folder["results.json"]).Cases.Should().HaveCount(2);
    }

    [Fact]
    public async Task A_run_that_breaks_off_before_its_first_case_leaves_no_older_results_behind()
    {
        string[] files = [_loadline.Folder["results.json"], _loadline.Folder["results.html"]];
        (await RunAsync("--results", files[0], "--html", files[1])).Should().Be(0);
        files.Should().OnlyContain(file => File.Exists(file));
        _loadline.OpenRuntime = _ => throw new RuntimeException("docker: gone");

        (await RunAsync("--results", files[0], "--html", files[1])).Should().Be(3);

        files.Should().OnlyContain(file => !File.Exists(file));
    }

    [Fact]
    public async Task Cases_whose_engine_needs_an_image_that_cannot_be_made_are_skipped_with_the_last_line_of_its_recipe()
    {
        _loadline.Runtime.WhyUnprepared = "fake: mmdebstrap is missing";
        var budgets = _loadline.Folder["budgets.json"];
        File.WriteAllText(budgets, Budgets.Replace("\"strategy\": \"eager\",", "\"strategy\": \"eager\", \"engine\": \"torchsharp\",", StringComparison.Ordinal));

        (await _loadline.RunAsync("run", "--budgets", budgets)).Should().Be(0);

        _loadline.Runtime.Specs.Should().ContainSingle();
        _loadline.Error.TrimEnd().Should().Be("loadline: 1 case that loads with torchsharp skipped: fake: mmdebstrap is missing");
    }

    [Theory]
    [InlineData("mmap survives", 0, "")]
    [InlineData("eager is killed at half", 3, "loadline: all cases were skipped: nothing was measured")]
    public async Task Cases_whose_engine_cannot_run_here_are_skipped_with_the_reason(string filter, int exitCode, string end)
    {
        _loadline.Runtime.WhyNoLibtorch = "fake: there is no image";
        var budgets = _loadline.Folder["budgets.json"];
        File.WriteAllText(budgets, Budgets.Replace("\"strategy\": \"eager\",", "\"strategy\": \"eager\", \"engine\": \"libtorch\",", StringComparison.Ordinal));

        (await _loadline.RunAsync("run", "--budgets", budgets)).Should().Be(0);
        _loadline.Runtime.Specs.Should().ContainSingle();
        _loadline.Error.TrimEnd().Should().Be("loadline: 1 case that loads with libtorch skipped: fake: there is no image");

        (await _loadline.RunAsync("run", "--budgets", budgets, "--filter", filter)).Should().Be(exitCode);
        _loadline.Error.TrimEnd().Should().EndWith(end);

        _loadline.Required = "libtoch";
        (await _loadline.RunAsync("run", "--budgets", budgets)).Should().Be(2, "a misspelt requirement would require nothing");
        _loadline.Error.Should().Contain("LOADLINE_REQUIRE: 'libtoch' is none of ");

        _loadline.Required = "libtorch";
        (await _loadline.RunAsync("run", "--budgets", budgets)).Should().Be(3);
        _loadline.Error.TrimEnd().Should().EndWith("LOADLINE_REQUIRE demands libtorch, but fake: there is no image");
    }

    [Fact]
    public async Task An_Engine_that_does_not_answer_when_it_is_asked_for_GPUs_skips_no_case()
    {
        using var loadline = new FakeHarness(spec => spec.Gpus == 0 ? FakeEnd.Loaded(9) : throw new RuntimeException("docker: the Engine did not answer within 60 s"));
        File.WriteAllText(loadline.Folder["budgets.json"], Budgets.Replace("\"device\": \"cpu\", \"cap\": \"1GiB\"", "\"device\": \"cuda:0\", \"cap\": \"1GiB\"", StringComparison.Ordinal));

        (await loadline.RunAsync("run", "--budgets", loadline.Folder["budgets.json"])).Should().Be(3);

        loadline.Error.TrimEnd().Should().Be("loadline: docker: the Engine did not answer within 60 s");
    }

    [Theory]
    [InlineData("--results")]
    [InlineData("--html")]
    [InlineData("--budgets")]
    public async Task A_variable_that_is_not_set_names_no_file(string option)
    {
        (await RunAsync(option, "")).Should().Be(2);

        _loadline.Error.Should().StartWith($"loadline: {option} has an empty value: is a variable not set?");
    }

    [Fact]
    public async Task Results_and_a_page_of_one_name_are_refused_before_anything_runs()
    {
        (await RunAsync("--results", _loadline.Folder["out"], "--html", _loadline.Folder["out"])).Should().Be(2);

        _loadline.Runtime.Specs.Should().BeEmpty();
    }

    [Fact]
    public async Task A_page_of_somebody_else_is_not_replaced()
    {
        File.WriteAllText(_loadline.Folder["index.html"], "<!doctype html>\n<title>a site</title>");

        (await RunAsync("--html", _loadline.Folder["index.html"])).Should().Be(2);
        (await RunAsync("--html", _loadline.Folder["page.html"])).Should().Be(0);
        (await RunAsync("--html", _loadline.Folder["page.html"])).Should().Be(0);

        File.ReadAllText(_loadline.Folder["index.html"]).Should().EndWith("a site</title>");
    }

    [Fact]
    public async Task Cases_onto_GPUs_that_the_runtime_cannot_pass_in_are_skipped_with_the_reason()
    {
        using var loadline = new FakeHarness(spec => spec.Gpus < 2 ? FakeEnd.Loaded(9) : throw new NoGpuException("fake: there is one GPU"));
        var budgets = loadline.Folder["budgets.json"];
        File.WriteAllText(budgets, Budgets.Replace("\"eager\", \"device\": \"cpu\"", "\"eager\", \"device\": \"cuda:1\"", StringComparison.Ordinal)
            .Replace("\"mmap-assign\", \"device\": \"cpu\"", "\"mmap-assign\", \"device\": \"cuda:0\"", StringComparison.Ordinal));

        (await loadline.RunAsync("run", "--budgets", budgets)).Should().Be(0);

        loadline.Error.TrimEnd().Should().Be("loadline: 1 case that loads onto 2 GPUs skipped: fake: there is one GPU");
        loadline.Runtime.Specs[^1].Should().Match<ContainerSpec>(spec => spec.Gpus == 1 && spec.Command.Contains("cuda:0"));

        loadline.Required = "gpu";
        (await loadline.RunAsync("run", "--budgets", budgets)).Should().Be(3);
        loadline.Error.TrimEnd().Should().EndWith("LOADLINE_REQUIRE demands gpu, but fake: there is one GPU");
    }

    [Fact]
    public async Task A_missed_budget_is_exit_code_1_with_a_sentence_and_the_evidence()
    {
        using var harness = new FakeHarness(_ => FakeEnd.Loaded(64));
        File.WriteAllText(harness.Folder["budgets.json"], Budgets);

        (await harness.RunAsync("run", "--budgets", harness.Folder["budgets.json"], "--filter", "MMAP")).Should().Be(1);

        var said = harness.Out.ReplaceLineEndings("\n");
        said.Should().MatchRegex(@"MISS  mmap survives +64 MiB +loaded +loaded +64/54 +200 +0.5\n0 of 1 as expected");
        said.Should().Contain($"""

            'mmap survives': mmap-assign of m on cpu was limited to 54 MiB of anonymous memory but peaked at 64 MiB, 10 MiB over, in phase read
              {harness.Folder["budgets.json"]}:5: 'mmap survives', because pages are reclaimable
              peak anonymous memory by phase:
                read           64 MiB
            """);
        said.Should().NotContain("{\"event\"", "the worker's lines are for programs");
    }

    [Fact]
    public async Task What_cannot_be_written_and_images_that_are_missing_are_said_before_the_first_case()
    {
        (await RunAsync("--results", _loadline.Folder.Path)).Should().Be(2);
        _loadline.Error.Should().EndWith("is a folder: name a file in it\n");
        (await RunAsync("--html", "/proc/page.html")).Should().Be(3);
        _loadline.Error.Should().Contain("loadline: /proc/page.html: cannot be written: ");
        (await RunAsync("--results", _loadline.Folder["budgets.json"])).Should().Be(2);
        _loadline.Error.Should().EndWith("budgets.json: is there and holds no results of `loadline run`: name another file\n");
        (await RunAsync("--html", _loadline.Folder.Path)).Should().Be(2);
        _loadline.Error.Should().Contain($"{_loadline.Folder.Path}: is a folder: name a file in it");

        (await RunAsync("--html", _loadline.Folder["budgets.json"])).Should().Be(2);
        _loadline.Runtime.WhyNoImage = "fake: there is no image";
        File.WriteAllText(_loadline.Folder["budgets.json"], Budgets.Replace("\"cap\": \"1GiB\"", "\"image\": \"own:1\", \"cap\": \"1GiB\"", StringComparison.Ordinal));
        (await _loadline.RunAsync("run", "--budgets", _loadline.Folder["budgets.json"])).Should().Be(3);
        _loadline.Error.Should().EndWith("loadline: fake: there is no image\n");

        _loadline.Runtime.Specs.Should().BeEmpty();
    }

    [Fact]
    public async Task Results_that_can_no_longer_be_written_cost_nothing_that_is_printed()
    {
        var results = _loadline.Folder["out/results.json"];
        using var loadline = new FakeHarness(_ =>
        {
            // The folder's name is taken while the cases run.
            if (Directory.Exists(Path.GetDirectoryName(results))) Directory.Delete(Path.GetDirectoryName(results)!, recursive: true);
            File.WriteAllText(Path.GetDirectoryName(results)!, "");
            return FakeEnd.Loaded(64);
        });
        File.WriteAllText(loadline.Folder["budgets.json"], Budgets);

        (await loadline.RunAsync("run", "--budgets", loadline.Folder["budgets.json"], "--filter", "mmap", "--results", results, "--html", loadline.Folder["page.html"])).Should().Be(3);

        loadline.Out.Should().Contain("was limited to 54 MiB of anonymous memory but peaked at 64 MiB");
        File.Exists(loadline.Folder["page.html"]).Should().BeTrue();
    }

    [Fact]
    public async Task A_checkpoint_in_memory_is_refused_before_anything_runs()
    {
        _loadline.MemoryOf = path => path.EndsWith("gpt2-tiny.pth", StringComparison.Ordinal) ? "tmpfs" : null;

        (await _loadline.RunAsync("run", _loadline.Folder.CopyOf(Fixtures.Path("gpt2-tiny.pth")), "--cap", "64MiB")).Should().Be(2);

        _loadline.Error.Should().EndWith("gpt2-tiny.pth: is on tmpfs, where files are memory and no measurement is right; copy it to a disk\n");
        _loadline.Runtime.Specs.Should().BeEmpty();
    }

    [Fact]
    public async Task Results_are_one_JSON_file()
    {
        (await RunAsync("--results", _loadline.Folder["out/results.json"])).Should().Be(0);

        using var json = JsonDocument.Parse(File.ReadAllText(_loadline.Folder["out/results.json"]));
        var root = json.RootElement;
        root.GetProperty("schema").GetInt32().Should().Be(1);
        root.GetProperty("environment").GetProperty("runtime").GetString().Should().Be("fake 1.0, cgroup v2");
        root.GetProperty("environment").GetProperty("ramBytes").GetInt64().Should().BePositive();
        var (killed, loaded) = (root.GetProperty("cases")[0], root.GetProperty("cases")[1]);
        killed.GetProperty("outcome").GetString().Should().Be("killed");
        killed.GetProperty("lastPhase").GetString().Should().Be("copy");
        killed.TryGetProperty("majorFaults", out _).Should().BeFalse("there was no report");
        loaded.GetProperty("pass").GetBoolean().Should().BeTrue();
        loaded.GetProperty("why").GetString().Should().Be("pages are reclaimable");
        loaded.GetProperty("peakAnonymous").GetString().Should().Be("54MiB");
        loaded.GetProperty("peakAnonymousBytes").GetInt64().Should().Be(9 << 20);
        loaded.GetProperty("capBytes").GetInt64().Should().Be(64 << 20);
    }

    [Fact]
    public async Task A_runtime_that_fails_midway_leaves_the_results_so_far()
    {
        using var harness = new FakeHarness(spec => spec.Command.Contains("eager") ? FakeEnd.Killed(900) : throw new RuntimeException("the daemon is gone"));
        File.WriteAllText(harness.Folder["budgets.json"], Budgets);

        (await harness.RunAsync("run", "--budgets", harness.Folder["budgets.json"], "--results", harness.Folder["r.json"], "--html", harness.Folder["r.html"])).Should().Be(3);

        harness.Error.Should().Be("loadline: the daemon is gone\n");
        var results = ResultFile.Read(harness.Folder["r.json"]);
        results.Incomplete.Should().Be("the daemon is gone");
        results.Cases.Select(c => c.Name).Should().Equal("eager is killed at half");
        File.ReadAllText(harness.Folder["r.html"]).Should().Contain("the daemon is gone");
    }

    [Fact]
    public async Task Noise_is_measured_by_running_each_case_again()
    {
        var peaks = new Queue<long>([9, 11, 10]);
        using var harness = new FakeHarness(_ => FakeEnd.Loaded(peaks.Dequeue()));
        File.WriteAllText(harness.Folder["budgets.json"], Budgets);

        (await harness.RunAsync("run", "--budgets", harness.Folder["budgets.json"], "--filter", "mmap", "--noise", "3", "--results", harness.Folder["r.json"])).Should().Be(0);

        var result = ResultFile.Read(harness.Folder["r.json"]).Cases.Single();
        result.Noise.Should().Be(new Noise(3, 9 << 20, 11 << 20));
        result.PeakAnonymousBytes.Should().Be(11 << 20, "the highest run stands for all");
        harness.Out.Should().Contain("11/54");
    }

    [Fact]
    public async Task Samples_and_holders_are_in_the_results()
    {
        (await RunAsync("--results", _loadline.Folder["r.json"])).Should().Be(0);

        var killed = ResultFile.Read(_loadline.Folder["r.json"]).Cases[0];
        killed.Timeline!.AnonBytes.Should().Equal(450 << 20, 900 << 20);
        killed.Timeline.Phases.Should().Equal("read", "copy");
        killed.Holders.Should().BeEquivalentTo(new[] { new Holders("host", 800 << 20, [new HeldForUse("model", 800 << 20, 413)], [new HeldByTensor("model", "tok_emb.weight", 196 << 20)]) });
    }

    [Fact]
    public async Task A_summary_is_printed_on_request()
    {
        (await RunAsync("--summary")).Should().Be(0);

        _loadline.Out.Should().Contain("### 2 of 2 as expected").And.Contain("| ✅ | mmap survives | loaded | loaded | 64 MiB | 9 | 54 | 45 |");
    }

    [Fact]
    public async Task A_filter_that_matches_nothing_is_exit_code_2()
    {
        (await RunAsync("--filter", "torch")).Should().Be(2);
        _loadline.Error.Should().EndWith("budgets.json: none of its 2 cases has 'torch' in its name\n");
        _loadline.Out.Should().BeEmpty();
    }

    [Fact]
    public async Task A_bad_budget_file_is_exit_code_2_and_one_line()
    {
        File.WriteAllText(_loadline.Folder["bad.json"], "{ \"cases\": 1 }");
        (await _loadline.RunAsync("run", "--budgets", _loadline.Folder["bad.json"])).Should().Be(2);
        _loadline.Error.Should().Be($"loadline: {_loadline.Folder["bad.json"]}:1: member 'checkpoints' is missing\n");
    }

    [Fact]
    public async Task No_runtime_is_exit_code_3_and_one_line()
    {
        _loadline.NoRuntime = "no socket at /var/run/docker.sock: start dockerd";
        (await RunAsync()).Should().Be(3);
        _loadline.Error.Should().Be("loadline: no socket at /var/run/docker.sock: start dockerd\n");
    }

    [Fact]
    public async Task A_full_disk_is_exit_code_3_and_one_line()
    {
        _loadline.Maker.Failure = new IOException("cache/x.pth: needs 1646 MiB, but 3 MiB are free");
        (await RunAsync()).Should().Be(3);
        _loadline.Error.Should().Be("loadline: cache/x.pth: needs 1646 MiB, but 3 MiB are free\n");
    }

    [Fact]
    public async Task An_interrupted_run_is_exit_code_130()
    {
        using var interrupted = new CancellationTokenSource();
        using var harness = new FakeHarness(_ =>
        {
            interrupted.Cancel();
            throw new OperationCanceledException(interrupted.Token);
        });
        File.WriteAllText(harness.Folder["budgets.json"], Budgets);

        (await harness.RunAsync(interrupted.Token, "run", "--budgets", harness.Folder["budgets.json"])).Should().Be(130);

        harness.Error.Should().Be("loadline: interrupted; nothing is left running\n");
        harness.Runtime.Disposed.Should().BeTrue();
    }

    [Theory]
    [InlineData("run --cap 64MiB python3 -c 1", "Unrecognized command or argument '-c': a program and its words stand behind --, as in -- python3 load.py; see `loadline run --help`")]
    [InlineData("run --runtime podman", "unknown runtime 'podman': known are auto, docker, cgroup; see `loadline run --help`")]
    [InlineData("run w.pth", "a checkpoint needs a cap to run under, as in --cap 2GiB; see `loadline run --help`")]
    [InlineData("run --cap 2GiB", "--cap needs a checkpoint, or a program behind --: the cases of a budget file have their own caps; see `loadline run --help`")]
    [InlineData("run --device cpu", "--device needs a checkpoint: the cases of a budget file have their own devices; see `loadline run --help`")]
    [InlineData("run --dtype float16", "--dtype needs a checkpoint: the cases of a budget file have their own dtypes; see `loadline run --help`")]
    [InlineData("run w.pth --cap 2GiB --budgets b", "--budgets has its own checkpoints: give one or the other; see `loadline run --help`")]
    [InlineData("run w.pth --cap 2GB", "--cap '2GB' is not a size: did you mean 2GiB?; see `loadline run --help`")]
    [InlineData("run w.pth --cap 16MiB", "--cap 16MiB is too small: the least is 32 MiB; see `loadline run --help`")]
    [InlineData("run w.pth --cap 2GiB --device gpu", "unknown device 'gpu': known are cpu, cuda:N as in cuda:0, and sim:CAPACITY as in sim:4GiB; see `loadline run --help`")]
    [InlineData("run --noise x", "--noise 'x' is not a number from 1 on; see `loadline run --help`")]
    [InlineData("run --parallel 0", "--parallel '0' is not a number from 1 on; see `loadline run --help`")]
    [InlineData("run m.safetensors --cpa 2GiB", "unknown option '--cpa': did you mean --cap?; see `loadline run --help`")]
    [InlineData("run --filtr x", "unknown option '--filtr': did you mean --filter?; see `loadline run --help`")]
    [InlineData("run --frobnicate", "unknown option '--frobnicate'; see `loadline run --help`")]
    [InlineData("runn", "*; see `loadline --help`")]
    public async Task A_bad_argument_is_exit_code_2_and_one_line(string arguments, string problem)
    {
        (await _loadline.RunAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Should().Be(2);

        _loadline.Error.TrimEnd().Should().Match("loadline: " + problem).And.NotContain("\n");
        _loadline.Out.Should().BeEmpty();
    }

    private Task<int> RunAsync(params string[] options)
    {
        File.WriteAllText(_loadline.Folder["budgets.json"], Budgets);
        return _loadline.RunAsync(["run", "--budgets", _loadline.Folder["budgets.json"], .. options]);
    }

    // The whole run's time, and of a case that was killed that of its container: the worker had no chance to tell its own.
    private static string WithoutTimes(string text) =>
        KilledAfter().Replace(Duration().Replace(text, "in TIME,"), "${row}TIME").ReplaceLineEndings("\n");

    [GeneratedRegex(@"in [\d.]+ s,")]
    private static partial Regex Duration();

    [GeneratedRegex(@"(?m)^(?<row>.* killed .* )\d+\.\d(?=\r?$)")]
    private static partial Regex KilledAfter();
}
