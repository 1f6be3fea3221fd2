using System.Text.Json;
using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Commands;

/// <summary><c>loadline run --cap SIZE -- COMMAND</c>.</summary>
public sealed class RunProgramTests : IDisposable
{
    private FakeEnd _end = new(0, "said") { ErrorLines = ["warned"], AnonymousPeakBytes = 9 * ByteSize.MiB, Memory = FakeEnd.Seen(anonymousMib: 9, readMib: 670) };
    private readonly FakeHarness _loadline;

    public RunProgramTests() => _loadline = new FakeHarness(_ => _end);

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task A_program_runs_under_the_cap_with_its_words_as_they_are()
    {
        (await _loadline.RunAsync("run", "--cap", "64MiB", "--", "python3", "load.py", "--cap", "=a:b", "@file", "", "-x", "--", "--help")).Should().Be(0);

        var spec = _loadline.Runtime.Specs.Single();
        spec.Command.Should().Equal("python3", "load.py", "--cap", "=a:b", "@file", "", "-x", "--", "--help");
        spec.Should().BeEquivalentTo(new
        {
            CapBytes = 64 * ByteSize.MiB,
            Image = (string?)null,
            InheritsEnvironment = true,
            Folder = Environment.CurrentDirectory,
            IsWatched = true,
        });
    }

    [Theory]
    [InlineData("run --cap 64MiB")]
    [InlineData("floor")]
    [InlineData("curve")]
    public async Task A_program_that_is_not_there_is_a_mistake_of_who_named_it(string command)
    {
        using var loadline = new FakeHarness(_ => throw new NoProgramException("cgroup: there is no program 'lama' on this machine"));

        (await loadline.RunAsync([.. command.Split(' '), "--", "lama"])).Should().Be(2);

        loadline.Error.Should().EndWith("loadline: cgroup: there is no program 'lama' on this machine\n");
    }

    [Fact]
    public async Task A_program_that_has_the_workers_name_is_somebodys()
    {
        await _loadline.RunAsync("run", "--cap", "64MiB", "--image", "x", "--", "loadline-worker", "model.pth");

        _loadline.Runtime.Specs.Single().Should().BeEquivalentTo(new { IsWorker = false, IsWatched = true });
    }

    [Fact]
    public async Task Its_output_goes_where_it_would_and_a_report_follows()
    {
        await _loadline.RunAsync("run", "--cap", "64MiB", "--", "python3", "load.py");

        _loadline.Out.Should().StartWith("said\n'python3 load.py' ended with exit code 0 under 64 MiB, after ");
        _loadline.Out.Should().Contain("anonymous and shared memory peaked at 9 MiB; 670 MiB read from the disk; fake 1.0, cgroup v2\n");
        _loadline.Out.Should().MatchRegex(@"\n    anonymous +9\.0 MiB\n    page cache +1\.0 MiB\n".Replace(@"\.0", @"(\.0)?", StringComparison.Ordinal));
        _loadline.Error.Should().Be("warned\n");
    }

    [Fact]
    public async Task A_kill_says_what_met_the_cap_what_it_held_and_who()
    {
        _end = new FakeEnd(137) { KilledByCap = true, AnonymousPeakBytes = 62 * ByteSize.MiB, Memory = FakeEnd.Seen(anonymousMib: 2, shmemMib: 60) };

        (await _loadline.RunAsync("run", "--cap", "64MiB", "--", "python3", "load.py")).Should().Be(137);

        _loadline.Out.Should().MatchRegex(@"^'python3 load.py' was killed by the cap under 64 MiB, after [\d.]+ s: what met the cap was shared memory \(tmpfs, /dev/shm, pinned\), 60 MiB, which cannot be dropped without swap;");
        _loadline.Out.Should().Contain("peak, 2.0 ms before the kill was seen, and grown in the 100 ms before:\n");
        _loadline.Out.Should().MatchRegex(@"\n    shmem +60 MiB +60 MiB +\+60 MiB\n");
        _loadline.Out.Should().MatchRegex(@"\n  the largest processes then:\n +7  python3 +2 MiB anonymous +1 MiB mapped +60 MiB shared\n");
    }

    [Fact]
    public async Task Json_is_alone_on_standard_output()
    {
        _end = _end with { ExitCode = 7 };

        (await _loadline.RunAsync("run", "--cap", "64MiB", "--json", "--", "python3")).Should().Be(7);

        var report = JsonDocument.Parse(_loadline.Out).RootElement;
        report.GetProperty("killed").GetBoolean().Should().BeFalse();
        report.GetProperty("exitCode").GetInt32().Should().Be(7);
        report.GetProperty("readBytes").GetInt64().Should().Be(670 * ByteSize.MiB);
        report.GetProperty("memory").GetProperty("peaks").GetProperty("anonymousBytes").GetInt64().Should().Be(9 * ByteSize.MiB);
        report.GetProperty("memory").GetProperty("processes")[0].GetProperty("name").GetString().Should().Be("python3");
        _loadline.Error.Should().Be("said\nwarned\n");
    }

    [Fact]
    public async Task In_a_step_of_Actions_no_line_of_it_is_a_command_not_even_beside_JSON()
    {
        _loadline.InActions = true;
        _end = _end with { ErrorLines = ["::error::forged"] };

        await _loadline.RunAsync("run", "--cap", "64MiB", "--json", "--", "python3");

        _loadline.Error.Should().Be("said\n\\u003a:error::forged\n");
        JsonDocument.Parse(_loadline.Out).RootElement.GetProperty("killed").GetBoolean().Should().BeFalse();
    }

    [Fact]
    public async Task Line_breaks_in_its_words_make_no_lines_of_ours()
    {
        await _loadline.RunAsync("run", "--cap", "64MiB", "--", "sh", "-c", "true\n::error::forged");

        _loadline.Out.Should().NotContain("\n::error").And.Contain("'sh -c true\\u000a::error::forged'");
    }

    [Fact]
    public async Task Json_names_the_class_that_met_the_cap()
    {
        _end = new FakeEnd(137) { KilledByCap = true, Memory = FakeEnd.Seen(anonymousMib: 60) };

        await _loadline.RunAsync("run", "--cap", "64MiB", "--json", "--", "python3");

        JsonDocument.Parse(_loadline.Out).RootElement.GetProperty("metBy").GetString().Should().Be("anonymous");
    }

    [Fact]
    public async Task Slowed_down_below_the_cap_it_says_how_often_and_how_long()
    {
        _end = _end with { AnonymousPeakBytes = 60 * ByteSize.MiB, Memory = FakeEnd.Seen(anonymousMib: 60) with { HighEvents = 12, StalledSeconds = 1.5 } };

        await _loadline.RunAsync("run", "--cap", "128MiB", "--high", "56MiB", "--", "python3");

        _loadline.Runtime.Specs.Single().HighBytes.Should().Be(56 * ByteSize.MiB);
        _loadline.Out.Should().Contain("\n  slowed down 12 times at memory.high of 56 MiB; some process waited 1.50 s for memory\n");
    }

    [Fact]
    public async Task What_is_over_its_time_ends_as_timeout_does()
    {
        _end = new FakeEnd(137) { TimedOut = true };

        (await _loadline.RunAsync("run", "--cap", "64MiB", "--timeout", "2min", "--", "sleep", "1000")).Should().Be(124);

        _loadline.Runtime.Specs.Single().Timeout.Should().Be(TimeSpan.FromMinutes(2));
        _loadline.Out.Should().StartWith("'sleep 1000' had not ended after ");
    }

    [Fact]
    public async Task In_an_image_it_sees_what_is_mounted_and_starts_there()
    {
        await _loadline.RunAsync("run", "--cap", "64MiB", "--image", "torch", "--mount", ".", "--mount", _loadline.Folder.Path, "--gpus", "1", "--", "python3");

        _loadline.Runtime.Specs.Single().Should().BeEquivalentTo(new
        {
            Image = "torch",
            Mounts = new[] { Environment.CurrentDirectory, _loadline.Folder.Path },
            Gpus = 1,
            Folder = Environment.CurrentDirectory,
            InheritsEnvironment = false,
        });
    }

    [Fact]
    public async Task An_image_that_is_not_there_is_said_before_anything_runs()
    {
        _loadline.Runtime.WhyNoImage = "docker: there is no image 'torch' here";

        (await _loadline.RunAsync("run", "--cap", "64MiB", "--image", "torch", "--", "python3")).Should().Be(2);

        _loadline.Error.Should().Be("loadline: docker: there is no image 'torch' here\n");
        _loadline.Runtime.Specs.Should().BeEmpty();
    }

    [Theory]
    [InlineData("a program needs a cap to run under, as in --cap 2GiB -- python3 load.py", "--", "x")]
    [InlineData("'m.pth' stands before --: a checkpoint and a program are two runs", "m.pth", "--cap", "1GiB", "--", "x")]
    [InlineData("--filter is for loads, and a program runs as it is", "--cap", "1GiB", "--filter", "a", "--", "x")]
    [InlineData("--image needs a program behind --, as in -- python3 load.py", "--image", "a")]
    [InlineData("--mount needs --image: without one COMMAND sees all of this machine", "--cap", "1GiB", "--mount", "/tmp", "--", "x")]
    [InlineData("--mount /: a container has its own: name files or folders in it", "--cap", "1GiB", "--image", "a", "--mount", "/", "--", "x")]
    [InlineData("--mount /proc/: a container has its own: name files or folders in it", "--cap", "1GiB", "--image", "a", "--mount", "/proc/", "--", "x")]
    [InlineData("--mount has an empty value: is a variable not set?", "--cap", "1GiB", "--image", "a", "--mount", "", "--", "x")]
    [InlineData("--mount /no/such: there is no such file or folder", "--cap", "1GiB", "--image", "a", "--mount", "/no/such", "--", "x")]
    [InlineData("--timeout 'soon' is not a time such as 90s or 10min", "--cap", "1GiB", "--timeout", "soon", "--", "x")]
    [InlineData("--high 1 GiB is not below the cap of 1 GiB", "--cap", "1GiB", "--high", "1GiB", "--", "x")]
    [InlineData("--high is for programs of this machine: container engines do not set memory.high", "--cap", "1GiB", "--high", "512MiB", "--image", "a", "--", "x")]
    [InlineData("--high needs a program behind --, as in -- python3 load.py", "--high", "512MiB")]
    [InlineData("--json is for a program behind --: loads write --results FILE", "--json")]
    public async Task What_makes_no_sense_is_refused(string message, params string[] args)
    {
        (await _loadline.RunAsync(["run", .. args])).Should().Be(2);

        _loadline.Error.Should().Be($"loadline: {message}; see `loadline run --help`\n");
    }

    [Theory]
    [InlineData("docker", "--runtime docker needs an image to run a program in: give --image")]
    [InlineData("cgroup", "--runtime cgroup has no images: leave it out, or --image", "--image", "torch")]
    public async Task A_runtime_that_cannot_run_it_is_refused(string runtime, string message, params string[] image)
    {
        (await _loadline.RunAsync(["run", "--cap", "1GiB", "--runtime", runtime, .. image, "--", "x"])).Should().Be(2);

        _loadline.Error.Should().Be($"loadline: {message}\n");
    }

    [Fact]
    public async Task Two_dashes_of_a_command_that_takes_no_program_stay_what_they_were()
    {
        (await _loadline.RunAsync("inspect", "--", "no-such-file")).Should().Be(2);

        _loadline.Error.Should().Contain("no-such-file");
    }
}
