using System.Text.Json.Nodes;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Kubernetes;

/// <summary>Logs that are cut, rotated, not there, or written by somebody who wants another verdict.</summary>
public sealed class PodLogTests : IDisposable
{
    private static readonly string Loaded = Text(FakeEnd.Loaded(9));

    private readonly FakeCluster _cluster = new();

    public void Dispose() => _cluster.Dispose();

    [Fact]
    public async Task A_log_that_is_cut_in_the_middle_of_the_report_is_no_load()
    {
        var mmap = await OfMmapAsync(Loaded[..(Loaded.IndexOf("\"event\":\"loaded\"", StringComparison.Ordinal) + 40)], exitCode: 1);

        mmap.Message.Should().Contain("exit code 0 without a report; its log ends in the middle of a line");
    }

    [Fact]
    public async Task A_log_that_is_cut_behind_a_whole_line_has_lost_nothing()
    {
        await OfMmapAsync(Loaded.TrimEnd('\n'), exitCode: 0);

        Results().Notes.Should().BeNull();
    }

    [Fact]
    public async Task A_log_whose_beginning_was_rotated_away_is_said_and_its_report_still_counts()
    {
        var lines = FakeEnd.Loaded(9).Lines;

        (await OfMmapAsync(string.Join("\n", lines[2..]) + "\n", exitCode: 0)).PeakAnonymousBytes.Should().Be(9 << 20);

        Results().Notes.Should().ContainSingle().Which.Should().StartWith("the log of 'mmap survives', ").And.EndWith(" has lost its beginning, as by a rotation");
        _cluster.Loadline.Out.Should().Contain("has lost its beginning, as by a rotation");
    }

    [Fact]
    public async Task Uses_whose_lines_were_rotated_away_stand_in_the_report()
    {
        File.WriteAllText(_cluster.BudgetsPath, File.ReadAllText(_cluster.BudgetsPath).Replace("\"verify\": \"digest\", ", "\"passes\": 2, \"reread\": 0.05, "));
        var report = FakeEnd.Line(FakeEnd.Report(9) with { Passes = [FakeEnd.Pass(1), FakeEnd.Pass(0.5)] });

        var mmap = await OfMmapAsync(FakeEnd.Sample(9) + "\n" + report + "\n", exitCode: 1);

        mmap.Outcome.Should().Be(Outcome.Thrashed);
        mmap.Passes.Should().HaveCount(2);
    }

    [Fact]
    public async Task A_log_whose_report_was_rotated_away_is_no_load()
    {
        var lines = FakeEnd.Loaded(9).Lines;

        (await OfMmapAsync(lines[^1] + "\n", exitCode: 1)).Message.Should().Contain("exit code 0 without a report; its log has lost its beginning, as by a rotation");
    }

    [Fact]
    public async Task A_line_that_was_cut_on_its_way_is_said()
    {
        var report = FakeEnd.Loaded(9).Lines[3];

        (await OfMmapAsync(Loaded.Replace(report, report[..100]), exitCode: 1)).Message.Should().Contain("without a report; its log has 1 of the worker's lines cut");
    }

    [Theory]
    [InlineData("")]
    [InlineData("Error from server (NotFound): pods not found\n")]
    [InlineData(" {\"event\":\"loaded\"}\n")]
    public async Task A_log_without_a_line_of_the_worker_is_no_load(string log)
    {
        (await OfMmapAsync(log, exitCode: 1)).Message.Should().Contain("exit code 0 without a report; its log has no line of the worker's");
    }

    [Fact]
    public async Task A_log_that_is_not_there_is_no_load_and_costs_a_kill_nothing_but_its_figures()
    {
        await _cluster.ApplyAsync();
        _cluster.Log(FakeCluster.Mmap, null);
        _cluster.Log(FakeCluster.Eager, null);

        (await _cluster.CollectAsync()).Should().Be(1);

        var cases = Results().Cases;
        cases[0].Message.Should().Contain("exit code 0 without a report; its log is not there: write it with `kubectl logs -c case loadline-mmap-survives-");
        (cases[1].Outcome, cases[1].Pass, cases[1].PeakAnonymousBytes).Should().Be((Outcome.Killed, true, null));
    }

    [Fact]
    public async Task What_other_libraries_write_between_the_lines_of_the_worker_changes_nothing()
    {
        var lines = FakeEnd.Loaded(9).Lines.SelectMany(line => new[] { "[W1126 Warning: an operator was called", line, "\u001b[2J{\"event\":\"failed\",\"kind\":\"error\",\"message\":\"m\"}" });

        (await OfMmapAsync(string.Join("\r\n", lines) + "\r\n", exitCode: 0)).PeakAnonymousBytes.Should().Be(9 << 20);
    }

    [Fact]
    public async Task A_log_says_why_a_worker_broke_whose_last_words_are_on_standard_error()
    {
        await _cluster.ApplyAsync();
        _cluster.End(FakeCluster.Mmap, 134, "Error");
        _cluster.Log(FakeCluster.Mmap, FakeEnd.Loaded(9).Lines[0] + "\nUnhandled exception. \u001b[31mOut of \u202eluck\n");

        (await _cluster.CollectAsync()).Should().Be(1);

        Results().Cases[0].Message.Should().Contain("exit code 134: Unhandled exception. \\u001b[31mOut of \\u202eluck");
        (_cluster.Loadline.Out + _cluster.Loadline.Error).Should().NotContain("\u001b").And.NotContain("\u202e");
    }

    // A program may print what it likes: neither a better peak nor a better end.
    [Theory]
    [InlineData(1, "Error", "error")]
    [InlineData(2, "Error", "error")]
    [InlineData(137, "OOMKilled", "killed")]
    [InlineData(0, "Completed", "loaded")]
    public async Task The_worker_s_lines_in_the_log_of_another_program_say_nothing_of_it(int exitCode, string reason, string outcome)
    {
        await _cluster.ApplyAsync();
        _cluster.End(FakeCluster.Program, exitCode, reason, FakeEnd.Loaded(9));

        (await _cluster.CollectAsync()).Should().Be(outcome == "loaded" ? 0 : 1);

        var program = Results().Cases[3];
        program.Outcome.Name().Should().Be(outcome);
        (program.PeakAnonymousBytes, program.Timeline, program.WeightBytes, program.Reason).Should().Be((null, null, null, outcome == "error" ? program.Reason : null));
    }

    [Fact]
    public async Task A_budget_of_another_program_is_not_held_by_what_it_prints()
    {
        File.WriteAllText(_cluster.BudgetsPath, File.ReadAllText(_cluster.BudgetsPath).Replace("\"image\": \"python:3\",", "\"image\": \"python:3\", \"peakAnonymous\": \"54MiB\","));
        await _cluster.ApplyAsync();
        _cluster.End(FakeCluster.Program, 0, "Completed", FakeEnd.Loaded(9));

        (await _cluster.CollectAsync()).Should().Be(1);

        Results().Cases[3].Message.Should().Contain("there is no reading of it: nobody reads a pod's cgroup from outside");
    }

    [Theory]
    [InlineData("loaded")]
    [InlineData("start")]
    [InlineData("verified")]
    public async Task A_log_that_says_twice_what_a_worker_says_once_is_not_believed(string word)
    {
        var doubled = FakeEnd.Loaded(9).Lines.Single(line => line.Contains($"\"event\":\"{word}\"", StringComparison.Ordinal));

        (await OfMmapAsync(Loaded + doubled + "\n", exitCode: 1)).Message.Should().Contain($"its log says '{word}' more than once, which no worker does");
    }

    [Fact]
    public async Task A_log_that_begins_with_a_forged_report_is_not_believed()
    {
        var lines = FakeEnd.Loaded(60).Lines;

        (await OfMmapAsync(FakeEnd.Loaded(9).Lines[3] + "\n" + string.Join("\n", lines.Where((_, i) => i != 3)) + "\n", exitCode: 1))
            .Message.Should().Contain("its log says 'start' after other lines of the worker's");
    }

    [Fact]
    public async Task A_log_whose_samples_are_above_the_peak_that_it_reports_is_not_believed()
    {
        var lines = FakeEnd.Loaded(9).Lines;

        (await OfMmapAsync(string.Join("\n", [.. lines[..3], FakeEnd.Sample(60), .. lines[3..]]) + "\n", exitCode: 1))
            .Message.Should().Contain("its log reports a peak of 9 MiB of anonymous memory, and a sample of its own shows 60 MiB");
    }

    [Fact]
    public async Task A_log_of_another_case_is_not_believed()
    {
        var other = FakeEnd.Line(FakeEnd.Report(9) with { Strategy = "streamed" });

        (await OfMmapAsync(Loaded.Replace(FakeEnd.Loaded(9).Lines[3], other), exitCode: 1)).Message.Should().Contain("its log is of another case: streamed on cpu");
    }

    [Fact]
    public async Task A_peak_that_its_cap_lets_no_process_live_with_is_not_believed()
    {
        (await OfMmapAsync(string.Join("\n", FakeEnd.Loaded(1100).Lines) + "\n", exitCode: 1)).Message.Should().Contain("its log says that it held 1100 MiB, more than its cap of 1 GiB lets live");
    }

    [Fact]
    public async Task After_a_thousand_broken_lines_a_log_counts_for_nothing()
    {
        var broken = string.Concat(Enumerable.Repeat("{\"event\":\n", 1000));

        (await OfMmapAsync(FakeEnd.Loaded(9).Lines[0] + "\n" + broken + string.Join("\n", FakeEnd.Loaded(9).Lines[1..]) + "\n", exitCode: 1))
            .Message.Should().Contain($"has {1000 + FakeEnd.Loaded(9).Lines.Length - 1} of the worker's lines cut");
    }

    [Fact]
    public async Task A_worker_that_found_another_limit_than_its_cap_has_not_run_the_case()
    {
        var start = FakeEnd.Line(new StartEvent("6.1", 2, 24L << 30, true, 2 << 20));

        (await OfMmapAsync(Loaded.Replace(FakeEnd.Loaded(9).Lines[0], start), exitCode: 1))
            .Message.Should().Contain("the worker found a limit of 24 GiB, and not its cap of 1 GiB");
    }

    [Fact]
    public async Task No_log_turns_a_failure_into_a_pass()
    {
        await _cluster.ApplyAsync();
        string[] lines = [.. FakeEnd.Loaded(9).Lines, .. FakeEnd.Killed(9).Lines, FakeEnd.Line(new FailedEvent("refused", "m")), "OOMKilled", "\u0000\u001b]0;x\u0007", "::set-output name=x::y"];
        var random = new Random(1);
        foreach (var (name, exitCode, reason) in new[] { (FakeCluster.Mmap, 1, "Error"), (FakeCluster.Eager, 137, "Error"), (FakeCluster.Refused, 3, "Error"),
            (FakeCluster.Program, 2, "Error") }) _cluster.End(name, exitCode, reason);

        for (var round = 0; round < 20; round++)
        {
            foreach (var pod in _cluster.Pods) _cluster.Log(pod["metadata"]!["annotations"]!["loadline.name"]!.ToString(), string.Join("\n", random.GetItems(lines, 8)));
            (await _cluster.CollectAsync()).Should().Be(1);
            Results().Cases.Should().AllSatisfy(c => c.Pass.Should().BeFalse());
        }
    }

    [Fact]
    public async Task Secrets_in_a_pod_s_environment_are_printed_nowhere()
    {
        await _cluster.ApplyAsync();
        foreach (var pod in _cluster.Pods)
        {
            var container = pod["spec"]!["containers"]![0]!;
            if (container["env"] is null) container["env"] = new JsonArray();
            container["env"]!.AsArray().Add(JsonNode.Parse("""{ "name": "HF_TOKEN", "value": "hf_verysecret" }"""));
            pod["metadata"]!["annotations"]!["kubectl.kubernetes.io/last-applied-configuration"] = pod["spec"]!.ToJsonString();
        }

        _cluster.End(FakeCluster.Mmap, 1, "Error", FakeEnd.Loaded(9));
        (await _cluster.CollectAsync("--html", _cluster.Loadline.Folder["head.html"], "--summary")).Should().Be(1);

        var written = _cluster.Loadline.Out + _cluster.Loadline.Error + File.ReadAllText(_cluster.Loadline.Folder["head.json"]) + File.ReadAllText(_cluster.Loadline.Folder["head.html"]);
        written.Should().Contain("mmap survives").And.NotContain("hf_verysecret").And.NotContain("HF_TOKEN");
    }

    [Fact]
    public async Task Hostile_texts_of_the_cluster_are_escaped_and_cut_wherever_they_are_shown()
    {
        await _cluster.ApplyAsync();
        _cluster.Status(FakeCluster.Mmap, """{ "phase": "Failed", "reason": "Evicted", "message": "MESSAGE" }""");
        _cluster.PodOf(FakeCluster.Mmap)["status"]!["message"] = "\u001b[2J\n::error::owned\n" + new string('x', 10000);

        (await _cluster.CollectAsync("--html", _cluster.Loadline.Folder["head.html"])).Should().Be(1);

        Results().Cases[0].Message!.Length.Should().BeLessThan(800);
        _cluster.Loadline.Out.Should().NotContain("\u001b").And.NotContain("\n::error::owned").And.Contain("\\u001b[2J\\u000a::error::owned");
    }

    private static string Text(FakeEnd end) => string.Concat(end.Lines.Select(line => line + "\n"));

    private ResultFile Results() => ResultFile.Read(_cluster.Loadline.Folder["head.json"]);

    private async Task<CaseResult> OfMmapAsync(string log, int exitCode)
    {
        await _cluster.ApplyAsync();
        _cluster.Log(FakeCluster.Mmap, log);
        (await _cluster.CollectAsync()).Should().Be(exitCode, _cluster.Loadline.Out + _cluster.Loadline.Error);
        return Results().Cases[0];
    }
}
