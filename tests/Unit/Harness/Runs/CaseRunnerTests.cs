using System.Diagnostics;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;
using Loadline.Measuring;
using static Loadline.Unit.Harness.Runs.FakeCase;

namespace Loadline.Unit.Harness.Runs;

/// <summary>What becomes of a case, by how its program ended and by what its worker said.</summary>
public class CaseRunnerTests
{
    [Fact]
    public async Task A_load_that_ends_well_is_loaded_with_its_report()
    {
        var run = await RunAsync(Case, FakeEnd.Loaded(peakAnonymousMib: 9));

        run.Result.Should().BeEquivalentTo(new { Outcome = Outcome.Loaded, Pass = true, Message = (string?)null, LastPhase = "read", Cold = true, MajorFaults = 7L, PeakPhase = "read" });
        run.Result.PeakAnonymousBytes.Should().Be(9 * ByteSize.MiB);
        run.Result.LastLines.Should().BeNull();
    }

    // As of a program whose output a pager takes for minutes when it has ended.
    [Fact]
    public async Task A_case_takes_until_its_program_ends()
    {
        var end = FakeEnd.Loaded(peakAnonymousMib: 9) with { EndTimestamp = Stopwatch.GetTimestamp() + (100 * Stopwatch.Frequency) };

        (await RunAsync(Case, end)).Result.WallSeconds.Should().BeInRange(50, 100);
    }

    [Theory]
    [InlineData(2, "refused", nameof(Outcome.Refused))]
    [InlineData(4, "device-oom", nameof(Outcome.DeviceOom))]
    public async Task What_weights_are_held_against_may_be_refused_after_the_load(int exitCode, string kind, string outcome)
    {
        var end = new FakeEnd(exitCode, [.. FakeEnd.Loaded(9).Lines[..4], FakeEnd.Line(new FailedEvent(kind, "holds no digests"))]);

        (await RunAsync(Case with { Verify = "digest" }, end)).Result.Outcome.ToString().Should().Be(outcome);
    }

    [Fact]
    public async Task One_of_several_processes_that_is_killed_when_all_were_verified_is_killed()
    {
        var end = FakeEnd.Loaded(9);

        var result = (await RunAsync(
            Case with { Verify = "digest" }, end with { ExitCode = 137, KilledByCap = true, Lines = [.. end.Lines, FakeEnd.Line(new FailedEvent("killed", "m"))] })).Result;

        (result.Outcome, result.Tensors).Should().Be((Outcome.Killed, 413));
    }

    [Fact]
    public async Task Weights_that_were_read_back_and_are_others_are_told_after_the_load()
    {
        var end = new FakeEnd(5, [.. FakeEnd.Loaded(9).Lines[..4], FakeEnd.Line(new FailedEvent("verification-failed", "m"))]);

        (await RunAsync(Case with { Verify = "digest" }, end)).Result.Outcome.Should().Be(Outcome.VerificationFailed);
    }

    [Fact]
    public async Task A_test_s_body_that_tells_its_last_reading_passes_and_tells_of_no_load()
    {
        var body = Case with { Strategy = null, Device = null, Verify = null, Command = ["dotnet", "body.dll"] };
        var spec = new ContainerSpec { Command = ["dotnet", "body.dll"], CapBytes = body.CapBytes, TellsLastReading = true, Timeout = TimeSpan.FromSeconds(9) };
        var runtime = new FakeRuntime(_ => new FakeEnd(0, FakeEnd.Line(new SampleEvent(0, 9 * ByteSize.MiB, 0, 0, 0, 0, 0))));
        var (result, _) = await new CaseRunner(runtime).RunAsync(body, spec, cold: null, onEvent: null, TestContext.Current.CancellationToken);
        result.Should().BeEquivalentTo(new { Outcome = Outcome.Loaded, Pass = true, PeakAnonymousBytes = 9 * ByteSize.MiB, HostBytes = (long?)null, DeviceBytes = (long?)null });
        CaseContradictions.Of(result).Should().BeNull();
    }

    [Fact]
    public async Task A_kill_by_the_cap_has_the_highest_sample_and_the_last_phase()
    {
        var run = await RunAsync(Case with { Expect = Outcome.Killed }, FakeEnd.Killed(lastAnonymousMib: 900));

        run.Result.Should().BeEquivalentTo(new { Outcome = Outcome.Killed, Pass = true, LastPhase = "copy", PeakPhase = "copy", PeakAnonymousBytes = 900 * ByteSize.MiB, Cold = true });
        run.Result.Phases!.Select(p => (p.Phase, p.PeakAnonymousBytes)).Should().Equal(("read", 450 * ByteSize.MiB), ("copy", 900 * ByteSize.MiB));
    }

    [Theory]
    [InlineData(ExitCodes.Refused, "refused", nameof(Outcome.Refused))]
    [InlineData(ExitCodes.DeviceOutOfMemory, "device-oom", nameof(Outcome.DeviceOom))]
    [InlineData(ExitCodes.VerificationFailed, "verification-failed", nameof(Outcome.VerificationFailed))]
    [InlineData(ExitCodes.Refused, "error", nameof(Outcome.Error))]
    [InlineData(ExitCodes.DeviceOutOfMemory, "refused", nameof(Outcome.Error))]
    [InlineData(1, "error", nameof(Outcome.Error))]
    [InlineData(ExitCodes.Infrastructure, "error", nameof(Outcome.Error))]
    [InlineData(77, "refused", nameof(Outcome.Error))]
    public async Task An_exit_code_says_what_became_of_it_where_the_worker_says_it_too(int exitCode, string kind, string outcome)
    {
        var run = await RunAsync(Case, FakeEnd.Failed(exitCode, kind, "the worker's own words"));

        run.Result.Outcome.ToString().Should().Be(outcome);
        run.Result.Message.Should().EndWith("the worker's own words");
        run.Result.ExitCode.Should().Be(exitCode);
    }

    // A shell ends with 2 as well, and a worker of another version, or one that may not read the file, refuses something else.
    [Theory]
    [InlineData(null, "exit code 2: usage: loadline-worker")]
    [InlineData(FailedEvent.Arguments, "no such option (arguments)")]
    [InlineData(FailedEvent.NotFound, "no such option (not-found)")]
    public async Task A_refusal_of_something_else_is_not_the_refusal_that_was_expected(string? cause, string problem)
    {
        var end = cause is null
            ? new FakeEnd(ExitCodes.Refused) { ErrorLines = ["usage: loadline-worker"] }
            : new FakeEnd(ExitCodes.Refused, FakeEnd.Line(new FailedEvent("refused", "no such option") { Cause = cause }));

        var run = await RunAsync(Case with { Expect = Outcome.Refused }, end);

        run.Result.Outcome.Should().Be(Outcome.Error);
        run.Result.Pass.Should().BeFalse();
        run.Result.Message.Should().EndWith(problem);
    }

    [Fact]
    public async Task A_SIGKILL_that_the_kernel_did_not_count_is_no_kill_by_the_cap()
    {
        var run = await RunAsync(Case with { Expect = Outcome.Killed }, FakeEnd.Killed(900) with { KilledByCap = false });

        run.Result.Outcome.Should().Be(Outcome.Error);
        run.Result.Message.Should().Be(
            "'n': mmap-assign of gpt2-medium on cpu was to be killed under 1 GiB but ended in error in phase copy: "
            + "SIGKILL ended it, but not the cap: the kernel counted no kill for memory");
    }

    [Fact]
    public async Task A_timeout_is_a_timeout_even_where_the_cap_killed_on_the_way()
    {
        var run = await RunAsync(Case, FakeEnd.Killed(900) with { TimedOut = true });

        run.Result.Outcome.Should().Be(Outcome.Timeout);
        run.Result.Message.Should().Contain("did not end within 120 s in phase copy");
    }

    [Fact]
    public async Task Exit_code_0_without_a_report_is_an_error() =>
        (await RunAsync(Case, new FakeEnd(0, "hello"))).Result.Message.Should().Contain("exit code 0 without a report");

    [Fact]
    public async Task Exit_code_0_without_the_verification_asked_for_is_an_error() =>
        (await RunAsync(Case with { Verify = "digest" }, new FakeEnd(0, FakeEnd.Line(FakeEnd.Report(9))))).Result.Message
            .Should().Contain("without the verification that was asked for");

    [Theory]
    [InlineData(new[] { 1.2, 1.02, 0.9 }, 0.05, nameof(Outcome.Thrashed))]
    [InlineData(new[] { 1.2, 1.02, 0.9 }, 1.3, nameof(Outcome.Loaded))]
    [InlineData(new[] { 1.0, 0.05, 0.0 }, 0.05, nameof(Outcome.Loaded))]
    [InlineData(new[] { 1.0, 0.0 }, 0.05, nameof(Outcome.Error))]
    public async Task A_load_whose_later_uses_read_more_than_it_may_thrashes(double[] rereads, double limit, string outcome)
    {
        var run = await RunAsync(Case with { Passes = 3, Reread = limit }, FakeEnd.Used(9, rereads));

        run.Result.Outcome.ToString().Should().Be(outcome);
        run.Result.Passes!.Select(pass => pass.Reread).Should().Equal(rereads.Select(r => (double?)r));
        run.Result.Reread.Should().Be(limit);
    }

    [Fact]
    public async Task Thrashing_that_was_expected_passes_within_its_budgets()
    {
        var thrashes = Case with { Passes = 2, Reread = 0.05, Expect = Outcome.Thrashed, PeakAnonymousBytes = 9 * ByteSize.MiB };

        (await RunAsync(thrashes, FakeEnd.Used(9, 1, 1))).Result.Should().BeEquivalentTo(new { Pass = true, LaterReread = 1.0 });
        (await RunAsync(thrashes, FakeEnd.Used(10, 1, 1))).Result.Message.Should().Contain("was limited to 9 MiB of anonymous memory but peaked at 10 MiB");
        (await RunAsync(thrashes, FakeEnd.Used(9, 1, 0))).Result.Message.Should().Be(
            "'n': mmap-assign of gpt2-medium on cpu was to read more than 0.05 of its weights again at each use under 1 GiB but loaded: peak 9 MiB of anonymous memory, "
            + "and read 0.00 of its weights again");
    }

    [Fact]
    public async Task A_kernel_that_does_not_count_reads_cannot_judge_them() =>
        (await RunAsync(Case with { Passes = 2, Reread = 1 }, FakeEnd.Loaded(9) with
        {
            Lines = [.. Enumerable.Repeat(FakeEnd.Line(new PassEvent(new PassReport(1, null, null, 0, null, null))), 2), .. FakeEnd.Loaded(9).Lines],
        })).Result.Should().Match<Loadline.Harness.Results.CaseResult>(r => r.Outcome == Outcome.Error && r.Message!.Contains("/proc/self/io"));

    [Fact]
    public async Task A_program_that_said_nothing_is_quoted_from_standard_error()
    {
        var run = await RunAsync(Case, new FakeEnd(139, "starting") { ErrorLines = ["Segmentation fault"] });

        run.Result.Message.Should().EndWith("exit code 139: Segmentation fault");
        run.Result.LastLines.Should().Equal("starting", "Segmentation fault");
    }

    [Fact]
    public async Task Another_programs_exit_codes_mean_nothing_but_0()
    {
        var python = Case with { Strategy = null, Device = null, Command = ["python3", "load.py", "{checkpoint}"] };
        var runtime = new FakeRuntime(_ => new FakeEnd(2));

        (await RunAsync(python, new FakeEnd(0, "done"))).Result.Outcome.Should().Be(Outcome.Loaded);
        (await new CaseRunner(runtime).RunAsync(python, "/w.pth", null, TestContext.Current.CancellationToken)).Result.Outcome.Should().Be(Outcome.Error);
        runtime.Specs.Single().Command.Should().Equal("python3", "load.py", "/w.pth");
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_its_own_case_s_error()
    {
        var budget = Case with { Strategy = null, Command = ["lama", "x"] };
        var runner = new CaseRunner(new FakeRuntime(_ => throw new NoProgramException("docker: 'lama x' cannot be started: exec: \"lama\": executable file not found in $PATH")));

        var (result, _) = await runner.RunAsync(budget, "/w.pth", null, TestContext.Current.CancellationToken);

        result.Should().BeEquivalentTo(new { Outcome = Outcome.Error, Pass = false, ExitCode = (int?)null, PeakAnonymousBytes = (long?)null });
        result.Message.Should().EndWith("ended in error: docker: 'lama x' cannot be started: exec: \"lama\": executable file not found in $PATH");
    }

    [Theory]
    [InlineData("runc create failed: unable to start container process: exec: \"lama\": executable file not found in $PATH", true)]
    [InlineData("crun: executable file `lama` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found", true)]
    [InlineData("crun: open executable: Permission denied: OCI permission denied", true)]
    [InlineData("runc create failed: unable to apply cgroup configuration", false)]
    [InlineData("exec: \"nvidia-container-runtime\": executable file not found in $PATH", false)]
    public void An_Engine_s_refusal_says_whether_the_program_is_not_there(string reason, bool isProgram)
    {
        var spec = new ContainerSpec { Command = ["lama"], CapBytes = ByteSize.GiB, Timeout = TimeSpan.FromSeconds(1) };

        (DockerRun.CannotStart(spec, reason, new IOException()) is NoProgramException).Should().Be(isProgram);
        DockerRun.CannotStart(spec with { Command = [ContainerSpec.Worker] }, reason, new IOException()).Should().NotBeOfType<NoProgramException>();
        var (hidden, escaped) = (spec with { Command = ["la\u202ema"] }, reason.Replace("lama", "la\\u202ema", StringComparison.Ordinal));
        (DockerRun.CannotStart(hidden, escaped, new IOException()) is NoProgramException).Should().Be(isProgram);
    }

    // As Go quotes it, which runc is written in.
    [Theory]
    [InlineData("la\"ma", "la\\\"ma")]
    [InlineData("la\\ma", "la\\\\ma")]
    [InlineData("la\u001bma", "la\\x1bma")]
    [InlineData("la\nma", "la\\nma")]
    public void A_program_that_is_not_there_is_known_by_a_quoted_name(string name, string quoted)
    {
        var spec = new ContainerSpec { Command = [name], CapBytes = ByteSize.GiB, Timeout = TimeSpan.FromSeconds(1) };

        DockerRun.CannotStart(spec, $"runc create failed: exec: \"{quoted}\": executable file not found in $PATH", new IOException()).Should().BeOfType<NoProgramException>();
    }

    [Fact]
    public void A_long_command_is_cut_in_the_message_and_a_long_name_is_known_by_its_beginning()
    {
        var name = new string('l', 3000);
        var spec = new ContainerSpec { Command = [name, new('x', 100_000)], CapBytes = ByteSize.GiB, Timeout = TimeSpan.FromSeconds(1) };

        var refusal = DockerRun.CannotStart(spec, DockerEngine.OneLine($"runc create failed: exec: \"{name}\": executable file not found in $PATH"), new IOException());

        refusal.Should().BeOfType<NoProgramException>();
        refusal.Message.Length.Should().BeLessThan(2500);
    }
}
