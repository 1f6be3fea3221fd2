using System.Text.Json;
using Loadline.Constrained.Faults;
using Loadline.Constrained.Measurers;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Reports;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Testing;

namespace Loadline.Constrained;

/// <summary>What is known after a kill, from outside the group: of Loadline's own loads and of any program, and by which class of memory the cap was met.</summary>
[Trait("Category", "Constrained")]
public sealed class KillReportTests(CappedRuns runs) : IDisposable
{
    private readonly TemporaryFolder _folder = new(onDisk: true);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_killed_load_names_its_phase_its_tensor_and_what_met_the_cap_in_text_page_and_JSON()
    {
        using var cases = new TinyCases();
        var budget = TinyCases.Loading("meta-assign") with { CapBytes = 64 * ByteSize.MiB, Verify = null };

        var result = (await new CaseRunner(runs.Runtime).RunAsync(budget, cases.At("hole.safetensors"), onEvent: null, Cancellation)).Result;

        result.Should().BeEquivalentTo(new { Outcome = Outcome.Killed, LastPhase = "read", LastTensor = "w", MetBy = "anonymous" });
        result.Memory!.Last.AnonymousBytes.Should().BeInRange(24 * ByteSize.MiB, 64 * ByteSize.MiB);
        result.Memory.Peaks.AnonymousBytes.Should().BeGreaterThanOrEqualTo(result.Memory.Last.AnonymousBytes);
        result.Memory.Grew.AnonymousBytes.Should().BePositive();
        var text = FailureText.Of(result, place: null);
        text.Should().MatchRegex(@"^.* was to load under 64 MiB but was killed by the cap in phase read at tensor 'w': last seen with .*; what met the cap was anonymous memory, [\d.]+ MiB\n");
        text.Should().MatchRegex(@"\n  memory by class, by the counters of cgroup v[12]: peak, .*before.*:\n    anonymous .*\+[\d.]+ MiB\n");
        text.Should().MatchRegex(@"\n  the largest processes then:\n +\d+  loadline-worker +[\d.]+ MiB anonymous");
        var page = ResultPage.Of(new ResultFile(ResultFile.CurrentSchema, runs.Environment, [result]));
        page.Should().Contain("at tensor &#39;w&#39;").And.Contain("what met the cap was anonymous memory").And.Contain("memory by class, by the counters of cgroup v");
        var file = _folder["results.json"];
        new ResultFile(ResultFile.CurrentSchema, runs.Environment, [result]).Write(file);
        var json = JsonDocument.Parse(await File.ReadAllBytesAsync(file, Cancellation)).RootElement.GetProperty("cases")[0];
        json.GetProperty("metBy").GetString().Should().Be("anonymous");
        json.GetProperty("memory").GetProperty("last").GetProperty("anonymousBytes").GetInt64().Should().Be(result.Memory.Last.AnonymousBytes);
        ResultFile.Read(file).Cases[0].Memory!.Last.Should().Be(result.Memory.Last);
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_an_exception_that_callers_know()
    {
        var run = async () => await CappedProgram.RunAsync(["no-such-program"], cap: "64MiB", cancellation: Cancellation);

        (await run.Should().ThrowAsync<InvalidOperationException>()).WithMessage("cgroup: there is no program 'no-such-program' on this machine");
    }

    [Fact]
    public async Task Of_twenty_kills_the_last_reading_is_never_far_from_the_end()
    {
        var seconds = new List<double>();
        for (var i = 0; i < 20; i++)
        {
            var run = await CappedProgram.RunAsync(["dd", "if=/dev/zero", "of=/dev/null", "bs=256M", "count=1"], cap: "64MiB", cancellation: Cancellation);
            run.Should().BeEquivalentTo(new { Killed = true, TimedOut = false, ExitCode = 137, MetBy = MemoryClass.Anonymous }, run.Report);
            seconds.Add(run.Memory!.SecondsBeforeEnd!.Value);
        }

        // From the beginning of one reading to that of the next, whose pause is 2 ms. On a busy machine most may be late, but not all.
        seconds.Min().Should().BeLessThan(0.005);
        TestContext.Current.TestOutputHelper!.WriteLine($"the last reading began {seconds.Min() * 1000:0.0} to {seconds.Max() * 1000:0.0} ms before the one that saw the kill");
    }

    [Fact]
    public async Task A_command_that_fills_shared_memory_is_told_apart_from_one_whose_anonymous_memory_is_over()
    {
        var file = $"/dev/shm/loadline-{Guid.NewGuid():N}";
        Assert.SkipUnless(Directory.Exists("/dev/shm") && MemoryFileSystem.Of("/dev/shm") is not null, "/dev/shm is no file system in memory here");
        try
        {
            var run = await CappedProgram.RunAsync(["dd", "if=/dev/zero", $"of={file}", "bs=1M", "count=256"], cap: "64MiB", cancellation: Cancellation);

            run.Should().BeEquivalentTo(new { Killed = true, MetBy = MemoryClass.Shmem }, run.Report);
            run.Memory!.Last.ShmemBytes.Should().BeInRange(40 * ByteSize.MiB, 64 * ByteSize.MiB);
            run.Memory.Processes.Should().ContainSingle().Which.Name.Should().Be("dd");
            run.Report.Should().Contain("what met the cap was shared memory");
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_body_that_locks_pages_of_a_file_meets_the_cap_by_page_cache_that_cannot_be_dropped()
    {
        var file = _folder["locked"];
        using (var hole = File.Create(file)) hole.SetLength(256 * ByteSize.MiB);

        var missed = await MissingAsync(() => Capped.RunAsync(static path => Leaving.LockingPagesOf(path), file, cap: "96MiB", cancellation: Cancellation));

        missed.Run.Memory!.Last.Foremost.Should().Be(MemoryClass.Locked, missed.Message);
        missed.Message.Should().MatchRegex(@"; what met the cap was page cache that is locked \(mlock\), [\d.]+ MiB, which cannot be dropped\n");
    }

    [Fact]
    public async Task A_body_that_fills_pipes_meets_the_cap_by_memory_of_the_kernels()
    {
        var missed = await MissingAsync(() => Capped.RunAsync(static count => Leaving.InPipes(count), "256", cap: "96MiB", cancellation: Cancellation));

        Assert.SkipWhen(missed.Run.Outcome == "error", "whoever runs this may not have so much in pipes");
        missed.Run.Memory!.Last.Foremost.Should().Be(MemoryClass.Kernel, missed.Message);
        missed.Message.Should().Contain("; what met the cap was the kernel's own memory (page tables, pipes, sockets), ");
    }

    [Fact]
    public async Task A_program_that_lives_has_the_peak_of_each_class_what_it_read_and_its_exit_code()
    {
        var file = _folder["read"];
        await File.WriteAllBytesAsync(file, new byte[48 * ByteSize.MiB], Cancellation);

        var run = await CappedProgram.RunAsync(["/bin/sh", "-c", "dd if=\"$0\" of=/dev/null bs=8M 2> /dev/null; exit 3", file], cap: "256MiB", cancellation: Cancellation);

        run.Should().BeEquivalentTo(new { Killed = false, TimedOut = false, ExitCode = 3, MetBy = (MemoryClass?)null }, run.Report);
        run.Memory!.ReadBytes.Should().BeInRange(48 * ByteSize.MiB, 56 * ByteSize.MiB, "its file was dropped from the page cache first");
        run.Memory.Peaks.PageCacheBytes.Should().BeInRange(40 * ByteSize.MiB, 60 * ByteSize.MiB);
        run.PeakAnonymousBytes.Should().BeLessThan(24 * ByteSize.MiB);
    }

    // Not ThrowAsync: it would turn the skip of a machine without cgroups into a failure.
    private static async Task<BudgetMissedException> MissingAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (BudgetMissedException e)
        {
            return e;
        }

        Assert.Fail("the budget was not missed");
        throw null!;
    }
}
