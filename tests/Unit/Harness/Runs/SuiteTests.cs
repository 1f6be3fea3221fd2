using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Runs;

public class SuiteTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(9)]
    public async Task Results_come_in_the_order_of_the_cases(int parallel)
    {
        var cases = Cases("a", "a", "b", "c", "b");
        var results = await new Suite(new CaseRunner(new FakeRuntime(_ => FakeEnd.Loaded(9))), View(cases)).RunAsync(
            cases, parallel, TestContext.Current.CancellationToken);

        results.Select(r => r.Name).Should().Equal("0", "1", "2", "3", "4");
    }

    [Fact]
    public async Task Cases_of_one_checkpoint_never_run_at_once_and_others_do()
    {
        // "a" can only end after "b" has started beside it; a second "a" at the same time would be seen.
        using var together = new Barrier(2);
        var running = 0;
        var clashed = false;
        var runtime = new FakeRuntime(spec =>
        {
            var first = spec.Mounts[0] == "/a";
            if (first && Interlocked.Increment(ref running) > 1) clashed = true;
            together.SignalAndWait(TimeSpan.FromSeconds(30)).Should().BeTrue();
            if (first) Interlocked.Decrement(ref running);
            return FakeEnd.Loaded(9);
        });
        var cases = Cases("a", "a", "b", "b");

        await new Suite(new CaseRunner(runtime), View(cases)).RunAsync(cases, 4, TestContext.Current.CancellationToken);

        clashed.Should().BeFalse();
        runtime.Specs.Should().HaveCount(4);
    }

    [Fact]
    public async Task Cases_whose_paths_lead_to_one_file_never_run_at_once()
    {
        using var folder = new TemporaryFolder();
        var sharded = Directory.CreateDirectory(folder["sharded"]).FullName;
        File.WriteAllText(folder["model.pth"], "weights");
        File.CreateSymbolicLink(folder["link.pth"], folder["model.pth"]);
        Directory.CreateSymbolicLink(folder["link"], sharded);
        string[] paths = [folder["model.pth"], folder["link.pth"], sharded, sharded + "/", sharded + "/model.safetensors.index.json", folder["link"]];
        var (files, folders, most) = (0, 0, 0);
        var runtime = new FakeRuntime(spec =>
        {
            var file = spec.Command[1].EndsWith(".pth", StringComparison.Ordinal);
            var now = file ? Interlocked.Increment(ref files) : Interlocked.Increment(ref folders);
            most = Math.Max(most, now);
            Thread.Yield();
            _ = file ? Interlocked.Decrement(ref files) : Interlocked.Decrement(ref folders);
            return FakeEnd.Loaded(9);
        });
        var cases = paths.SelectMany(path => Enumerable.Repeat(path, 5)).Select((path, i) => (Cases("c")[0].Case with { Name = $"{i}" }, path)).ToList();

        await new Suite(new CaseRunner(runtime), View(cases)).RunAsync(cases, 8, TestContext.Current.CancellationToken);

        most.Should().Be(1);
    }

    [Fact]
    public async Task What_runs_at_once_has_room_under_its_caps_together_and_a_case_too_large_runs_alone()
    {
        const long RamBytes = 4 * ByteSize.GiB;
        long[] capsGiB = [1, 2, 3, 1, 9, 2, 1, 4, 1, 1];
        var gate = new Lock();
        var (caps, most, alone) = (0L, 0L, true);
        var runtime = new FakeRuntime(spec =>
        {
            lock (gate)
            {
                alone &= spec.CapBytes <= RamBytes || caps == 0;
                caps += spec.CapBytes;
                if (spec.CapBytes <= RamBytes) most = Math.Max(most, caps);
            }

            Thread.Yield();
            lock (gate) caps -= spec.CapBytes;
            return FakeEnd.Loaded(9);
        });
        var cases = capsGiB.Select((cap, i) => (Cases("c")[0].Case with { Name = $"{i}", CapBytes = cap * ByteSize.GiB }, $"/{i}")).ToList();

        var results = await new Suite(new CaseRunner(runtime), View(cases), ramBytes: RamBytes).RunAsync(cases, 10, TestContext.Current.CancellationToken);

        results.Should().HaveCount(capsGiB.Length).And.OnlyContain(r => r.Pass);
        most.Should().BeLessThanOrEqualTo(RamBytes);
        alone.Should().BeTrue();
    }

    [Fact]
    public async Task Four_at_once_give_the_verdicts_of_one_at_a_time()
    {
        var cases = Cases("a", "b", "c", "d", "a", "b", "c", "d").Select((c, i) => (c.Case with { Device = i % 3 == 0 ? "sim:1KiB" : "cpu" }, c.Path)).ToList();
        var runtime = new FakeRuntime(spec => spec.Command.Contains("sim:1KiB") ? FakeEnd.Failed(4, "device-oom", "full") : spec.Mounts[0] == "/b" ? FakeEnd.Killed(90) : FakeEnd.Loaded(9));

        var alone = await RunAsync(1);
        var together = await RunAsync(4);

        together.Should().BeEquivalentTo(alone, options => options.Excluding(r => r.WallSeconds).WithStrictOrdering());
        alone.Select(r => r.Outcome).Distinct().Should().BeEquivalentTo([Outcome.Loaded, Outcome.Killed, Outcome.DeviceOom]);

        Task<IReadOnlyList<Loadline.Harness.Results.CaseResult>> RunAsync(int parallel) =>
            new Suite(new CaseRunner(runtime), View(cases)).RunAsync(cases, parallel, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_runtime_that_fails_ends_the_suite()
    {
        var cases = Cases("a", "b", "c");
        var suite = new Suite(new CaseRunner(new FakeRuntime(spec => spec.Mounts[0] == "/b" ? throw new RuntimeException("the daemon is gone") : FakeEnd.Loaded(9))), View(cases));

        await suite.Invoking(s => s.RunAsync(cases, 3, TestContext.Current.CancellationToken)).Should().ThrowAsync<RuntimeException>();
    }

    private static PlainRunView View(IEnumerable<(BudgetCase Case, string Path)> cases) => new(TextWriter.Null, [.. cases.Select(c => c.Case)]);

    private static List<(BudgetCase Case, string Path)> Cases(params string[] checkpoints) =>
    [
        .. checkpoints.Select((name, i) => (
            new BudgetCase { Name = $"{i}", Checkpoint = name, Strategy = "eager", Device = "cpu", CapBytes = 1 << 30, Expect = Outcome.Loaded, Why = "w" }, "/" + name)),
    ];
}
