using Loadline.Harness.Results;
using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Commands;

/// <summary>A run on several machines, from <c>run --shard</c> to <c>report</c>.</summary>
public sealed class ShardedRunTests : IDisposable
{
    private readonly FakeHarness _loadline = new(spec => spec.Command.Contains("eager") ? FakeEnd.Killed(900) : FakeEnd.Loaded(9));

    public ShardedRunTests() => File.WriteAllText(_loadline.Folder["budgets.json"], Budgets());

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task Four_shards_put_together_are_the_whole_run()
    {
        (await RunAsync("--results", At("whole.json"))).Should().Be(0);
        foreach (var number in new[] { 1, 2, 3, 4 }) (await RunAsync("--shard", $"{number}/4", "--results", At($"{number}.json"))).Should().Be(0);

        (await _loadline.RunAsync("report", At("3.json"), At("1.json"), At("4.json"), At("2.json"), "--results", At("all.json"), "--html", At("all.html"), "--gate")).Should().Be(0);

        var (whole, all) = (ResultFile.Read(At("whole.json")), ResultFile.Read(At("all.json")));
        all.Cases.Select(Judged).Should().Equal(whole.Cases.Select(Judged));
        (all.BudgetsDigest, all.Commit, all.Version, all.Environment).Should().Be((whole.BudgetsDigest, whole.Commit, whole.Version, whole.Environment));
        all.MergedFrom!.Select(part => part.Shard).Should().Equal("1/4", "2/4", "3/4", "4/4");
        File.ReadAllText(At("all.html")).Should().Contain("6 of 6 as expected").And.Contain("put together from shard 1/4");
        (await _loadline.RunAsync("compare", At("whole.json"), At("1.json"), At("2.json"), At("3.json"), At("4.json"))).Should().Be(0);
        (await _loadline.RunAsync("compare", At("all.json"), "--base", At("1.json"), At("2.json"), At("3.json"), At("4.json"))).Should().Be(0);
        _loadline.Out.Should().EndWith("0 regressed, 6 same\n");

        static string Judged(CaseResult c) => $"{c.Name}: {c.Outcome} {c.Pass} {c.PeakAnonymousBytes} {c.Cap} {c.Why}";
    }

    [Fact]
    public async Task A_shard_says_that_it_is_one()
    {
        (await RunAsync("--shard", "3/4", "--summary", "--results", At("3.json"))).Should().Be(0);

        _loadline.Out.Should().StartWith($"{At("budgets.json")}: 2 of 6 cases, shard 3/4\n").And.Contain("\nshard 3/4: 2 of 2 as expected in ").And.Contain("; the run has 6 cases\n")
            .And.Contain("### shard 3/4: 2 of 2 as expected, peaks ").And.Contain("shard 3/4 of a run of 6 cases");
        ResultFile.Read(At("3.json")).Shard!.Cases.Should().HaveCount(6);
    }

    [Fact]
    public async Task One_shard_is_not_the_run_for_report_nor_for_compare()
    {
        await RunAsync("--results", At("whole.json"));
        await RunAsync("--shard", "1/2", "--results", At("1.json"));

        (await _loadline.RunAsync("report", At("1.json"))).Should().Be(2);
        _loadline.Error.Should().EndWith($"loadline: {At("1.json")}: the run ended before its last case (3 of 6 cases are missing without shard 2/2: 'b mmap', 'b eager', 'b again'): name the files of all its shards\n");
        _loadline.Out.Should().Contain("3 of 3 as expected").And.Contain("put together from shard 1/2, 3 cases");

        (await _loadline.RunAsync("compare", At("whole.json"), At("1.json"))).Should().Be(2);
        _loadline.Error.Should().EndWith(": name the files of all its shards\n");
    }

    [Fact]
    public async Task A_shard_without_a_case_is_no_failure_and_nothing_to_go_by()
    {
        (await RunAsync("--shard", "7/7", "--summary", "--results", At("7.json"), "--html", At("7.html"))).Should().Be(0);

        _loadline.Out.Should().Contain(": 0 of 6 cases, shard 7/7\n").And.Contain("\nshard 7/7 has no case; whether the budgets hold is said by the results of all 7 shards together\n").And.Contain("### shard 7/7 has no case\n");
        File.ReadAllText(At("7.html")).Should().Contain("<h1>shard 7/7 has no case</h1>");
        _loadline.Runtime.Specs.Should().BeEmpty();
        (await _loadline.RunAsync("report", At("7.json"))).Should().Be(2);
        (await _loadline.RunAsync("compare", At("7.json"), At("7.json"))).Should().Be(2);
        (await RunAsync("--shard", "1/2", "--balance-by", At("7.json"))).Should().Be(2);
        _loadline.Error.Should().EndWith("7.json: holds no case: nothing was measured\n");
    }

    [Fact]
    public async Task A_shard_whose_cases_cannot_run_here_names_them_and_all_that_are_skipped_are_no_run()
    {
        File.WriteAllText(At("budgets.json"), Budgets().Replace("\"device\": \"cpu\"", "\"device\": \"cuda:0\""));
        using var loadline = new FakeHarness(_ => throw new NoGpuException("fake: there is no GPU"));
        foreach (var number in new[] { 1, 2 }) (await loadline.RunAsync("run", "--budgets", At("budgets.json"), "--shard", $"{number}/2", "--results", At($"{number}.json"))).Should().Be(0);

        loadline.Out.Should().Contain("shard 1/2 measured nothing: its 3 cases were skipped; ");
        ResultFile.Read(At("1.json")).Skipped!.Select(s => s.Name).Should().Equal("a mmap", "a eager", "a again");
        (await loadline.RunAsync("report", At("1.json"), At("2.json"))).Should().Be(2);
        loadline.Out.Should().Contain("6 cases skipped, fake: there is no GPU: 'a mmap', ");
        loadline.Error.Should().EndWith("holds no case: nothing was measured\n");
    }

    [Fact]
    public async Task The_gate_of_all_shards_fails_where_one_of_them_missed_a_budget()
    {
        using var loadline = new FakeHarness(_ => FakeEnd.Loaded(9));
        foreach (var number in new[] { 1, 2 }) (await loadline.RunAsync("run", "--budgets", At("budgets.json"), "--shard", $"{number}/2", "--results", At($"{number}.json"))).Should().Be(1);

        (await loadline.RunAsync("report", At("1.json"), At("2.json"))).Should().Be(0);
        (await loadline.RunAsync("report", At("1.json"), At("2.json"), "--gate")).Should().Be(1);
    }

    [Fact]
    public async Task Shards_are_balanced_by_the_seconds_of_earlier_results()
    {
        await RunAsync("--results", At("whole.json"));
        var whole = ResultFile.Read(At("whole.json"));
        (whole with { Cases = [.. whole.Cases.Select(c => c with { WallSeconds = c.Name == "a eager" ? 50 : 10 })] }).Write(At("earlier.json"));

        (await RunAsync("--shard", "1/2", "--balance-by", At("earlier.json"), "--results", At("1.json"))).Should().Be(0);
        (await RunAsync("--shard", "2/2", "--balance-by", At("earlier.json"), "--results", At("2.json"))).Should().Be(0);

        ResultFile.Read(At("1.json")).Cases.Select(c => c.Name).Should().Equal("a eager");
        ResultFile.Read(At("2.json")).Shard!.BalancedBy.Should().StartWith("sha256:");
        (await _loadline.RunAsync("report", At("1.json"), At("2.json"))).Should().Be(0);
    }

    [Fact]
    public async Task Shards_of_two_commits_are_no_run()
    {
        Directory.CreateDirectory(At(".git"));
        foreach (var number in new[] { 1, 2 })
        {
            File.WriteAllText(At(".git/HEAD"), new string($"{number}"[0], 40));
            await RunAsync("--shard", $"{number}/2", "--results", At($"{number}.json"), "--html", At($"{number}.html"));
        }

        File.ReadAllText(At("1.html")).Should().Contain("budgets.json, commit 111111111111<");
        (await _loadline.RunAsync("report", At("1.json"), At("2.json"), "--results", At("all.json"))).Should().Be(2);
        _loadline.Error.Should().EndWith($"2.json: are of different runs: commit {new string('1', 40)} and {new string('2', 40)}\n");
        File.Exists(At("all.json")).Should().BeFalse();
    }

    [Fact]
    public async Task Nor_by_another_name_or_before_the_other_shards_were_cut_by_it()
    {
        await RunAsync("--shard", "1/1", "--results", At("1.json"));
        var before = File.ReadAllText(At("1.json"));
        Directory.CreateSymbolicLink(At("link"), _loadline.Folder.Path);

        (await _loadline.RunAsync("report", At("1.json"), "--results", Path.Combine(At("link"), "1.json"))).Should().Be(2);
        (await RunAsync("--shard", "1/2", "--balance-by", At("1.json"), "--results", Path.Combine(At("link"), "1.json"))).Should().Be(2);

        _loadline.Error.Should().EndWith($"loadline: {At("1.json")}: is read: name another file to write\n");
        File.ReadAllText(At("1.json")).Should().Be(before);
    }

    [Fact]
    public async Task What_is_read_is_not_written_over()
    {
        await RunAsync("--shard", "1/1", "--results", At("1.json"));
        var before = File.ReadAllText(At("1.json"));

        (await _loadline.RunAsync("report", At("1.json"), "--results", At("1.json"))).Should().Be(2);
        _loadline.Error.Should().EndWith("1.json: is read: name another file to write\n");
        (await _loadline.RunAsync("report", At("1.json"), "--results", At("budgets.json"))).Should().Be(2);
        (await _loadline.RunAsync("report", At("1.json"), "--html", At("budgets.json"))).Should().Be(2);

        File.ReadAllText(At("1.json")).Should().Be(before);
        File.ReadAllText(At("budgets.json")).Should().Be(Budgets());
    }

    [Theory]
    [InlineData("run --shard 5/4", "--shard '5/4' is no shard: write 2/4 for the second of four, up to 1000; see `loadline run --help`")]
    [InlineData("run --balance-by r.json", "--balance-by is for shards: give --shard, as in --shard 2/4; see `loadline run --help`")]
    [InlineData("run w.pth --cap 2GiB --shard 1/2", "--shard cuts the cases of a budget file: a checkpoint's strategies run on one machine; see `loadline run --help`")]
    [InlineData("run --cap 2GiB --shard 1/2 -- true", "--shard is for loads, and a program runs as it is; see `loadline run --help`")]
    [InlineData("compare a.json", "two runs are compared: name the results of BASE, then those of HEAD; see `loadline compare --help`")]
    [InlineData("compare a.json --frob", "unknown option '--frob'; see `loadline compare --help`")]
    public async Task A_bad_argument_is_exit_code_2_and_one_line(string arguments, string problem)
    {
        (await _loadline.RunAsync(arguments.Split(' '))).Should().Be(2);

        _loadline.Error.TrimEnd().Should().Be("loadline: " + problem);
    }

    private static string Budgets()
    {
        var cases = from checkpoint in new[] { "a", "b" }
                    from load in new[] { ("mmap", "mmap-assign", "loaded"), ("eager", "eager", "killed"), ("again", "mmap-assign", "loaded") }
                    select $$"""{ "name": "{{checkpoint}} {{load.Item1}}", "checkpoint": "{{checkpoint}}", "strategy": "{{load.Item2}}", "device": "cpu", "cap": "1GiB", "expect": "{{load.Item3}}", "why": "so" }""";
        return $$"""{ "checkpoints": { "a": { "model": "gpt2-medium" }, "b": { "model": "gpt2-small" } }, "cases": [ {{string.Join(",\n", cases)}} ] }""";
    }

    private string At(string name) => _loadline.Folder[name];

    private Task<int> RunAsync(params string[] options) => _loadline.RunAsync(["run", "--budgets", At("budgets.json"), .. options]);
}
