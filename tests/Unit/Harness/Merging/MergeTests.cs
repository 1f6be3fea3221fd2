using Loadline.Checkpoints;
using Loadline.Harness;
using Loadline.Harness.Merging;
using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Merging;

public class MergeTests
{
    [Fact]
    public void The_shards_of_a_run_are_the_run_in_its_order_and_say_where_they_come_from()
    {
        var run = Together(Shards.Second, Shards.First);

        run.Cases.Select(c => c.Name).Should().Equal("a", "b", "c", "d");
        run.Should().BeEquivalentTo(new
        {
            Shard = (ResultShard?)null,
            Incomplete = (string?)null,
            Skipped = (IReadOnlyList<SkippedCase>?)null,
            Measured = "2026-11-26 02:00 UTC",
            Commit = new string('1', 40),
        });
        run.MergedFrom.Should().Equal(
            new MergedPart("1.json", "1/2", 2, "2026-11-26 01:00 UTC", Measured.Environment), new MergedPart("0.json", "2/2", 2, "2026-11-26 02:00 UTC", Measured.Environment));
        ResultNotes.Of(run).Should().Equal("put together from shard 1/2, 2 cases, 1.json, measured 2026-11-26 01:00 UTC; shard 2/2, 2 cases, 0.json, measured 2026-11-26 02:00 UTC");
    }

    [Fact]
    public void Machines_of_one_mode_may_differ_and_that_is_said()
    {
        var run = Together(Shards.First, Shards.Second with { Environment = Measured.Environment with { Kernel = "6.2", Cores = 4 } });

        ResultNotes.Of(run).Should().Contain("the machines differ in: kernel 6.1, 6.2; cores 2, 4");
    }

    [Fact]
    public void What_is_to_be_known_of_each_shard_is_to_be_known_of_the_run() =>
        Together(Shards.First with { Notes = ["a log is cut"] }, Shards.Second with { Notes = ["a log is cut", "a node was lost"] }).Notes.Should().Equal("a log is cut", "a node was lost");

    [Fact]
    public void A_shard_without_a_case_is_a_part_like_the_others()
    {
        Together(Shards.Of(1, 3, Measured.Loaded("a"), Measured.Loaded("b")), Shards.Of(2, 3, Measured.Loaded("c"), Measured.Loaded("d")),
            Shards.Of(3, 3)).Incomplete.Should().BeNull();
    }

    [Fact]
    public void A_shard_that_never_came_is_named_where_no_case_is_missing()
    {
        var run = Together(Shards.Of(1, 3, Measured.Loaded("a"), Measured.Loaded("b")), Shards.Of(2, 3, Measured.Loaded("c"), Measured.Loaded("d")));

        run.Incomplete.Should().BeNull();
        run.Notes.Should().Equal("shard 3/3 is not among the files, and no case is missing without it");
    }

    [Fact]
    public void Shards_of_which_nobody_knows_whether_they_are_of_one_run_say_so() =>
        Together(Shards.First with { Commit = null, BudgetsDigest = null }, Shards.Second with { Commit = null, BudgetsDigest = null }).Notes.Should().Equal(
            "no shard names the commit: that they are of one run is not known", "no shard names the digest of its budgets: that they are of one run is not known");

    [Fact]
    public void Missing_cases_are_named_and_the_shards_that_lack()
    {
        Together(Shards.First).Incomplete.Should().Be("2 of 4 cases are missing without shard 2/2: 'b', 'd'");
        Together(Shards.Of(1, 2, Measured.Loaded("a")), Shards.Of(2, 2, Measured.Loaded("b"), Measured.Loaded("c"))).Incomplete.Should().Be("1 of 4 cases is missing: 'd'");
    }

    [Fact]
    public void A_case_that_was_skipped_is_not_missing_and_is_named()
    {
        var run = Together(Shards.First, Shards.Of(2, 2, Measured.Loaded("b")) with { Skipped = [new SkippedCase("d", "there is no GPU")] });

        run.Incomplete.Should().BeNull();
        ResultNotes.Of(run).Should().Contain("1 case skipped, there is no GPU: 'd'");

        var kernel = Measured.Environment with { Kernel = new string('k', 10_000) };
        var part = run.MergedFrom![0] with { File = new string('f', 10_000), Measured = new string('m', 10_000), Environment = kernel };
        ResultNotes.Of(run with { MergedFrom = [.. Enumerable.Repeat(part, 500)] }).Should().Contain(note => note.EndsWith("; 480 more")).And.OnlyContain(note => note.Length < 20_000);
    }

    [Fact]
    public void A_shard_that_ended_early_makes_the_run_one_that_did()
    {
        Together(Shards.First, Shards.Of(2, 2, Measured.Loaded("b")) with { Incomplete = "interrupted" }).Incomplete
            .Should().Be("shard 2/2 of 1.json ended early, interrupted; 1 of 4 cases is missing: 'd'");
    }

    [Fact]
    public void What_stands_there_twice_is_refused_and_named()
    {
        Refused(Shards.First, Shards.First).Should().Be("shard 1/2 ('a', 'c') stands in 0.json and in 1.json: leave one out");
        Refused(Shards.First, Shards.Of(2, 2, Measured.Loaded("b"), Measured.Loaded("c"))).Should().Be("case 'c' stands in 0.json and in 1.json: leave one out");
        Refused(Shards.First, Shards.Of(2, 2) with { Skipped = [new SkippedCase("a", "no GPU")] }).Should().Be("case 'a' stands in 0.json and in 1.json: leave one out");
    }

    [Fact]
    public void Files_of_different_runs_are_refused_with_every_difference()
    {
        var other = Shards.Second with
        {
            Commit = new string('2', 40),
            BudgetsDigest = "sha256:" + new string('f', 64),
            Version = null,
            Environment = Measured.Environment with { CgroupVersion = 2, Runtime = "cgroup v2" },
        };

        Refused(Shards.First, other).Should().Be(
            $"0.json and 1.json: are of different runs: commit {new string('1', 40)} and {new string('2', 40)}; version 0.1.0 and none; "
            + "budgets sha256:000000000000 and sha256:ffffffffffff; runtime docker and cgroup; cgroup version 1 and 2");
    }

    [Fact]
    public void Shards_that_were_cut_in_another_way_are_refused()
    {
        Refused(Shards.First, Shards.Of(2, 3)).Should().Be("0.json and 1.json: are of different runs: shards 2 and 3");
        Refused(Shards.First, Shards.Second with { Shard = Shards.Second.Shard! with { BalancedBy = "sha256:abc" } }).Should().EndWith(": --balance-by none and sha256:abc");
        Refused(Shards.First, Shards.Second with { Shard = new ResultShard(2, 2, ["b", "d", "e"]) })
            .Should().EndWith(": 4 cases and 3, only in the first 'a', 'c', only in the second 'e'");
    }

    [Fact]
    public void An_engine_with_another_library_is_another_mode()
    {
        var first = Shards.Of(1, 2, Measured.Loaded("a") with { Engine = "libtorch", Library = "libtorch 2.6.0" });
        var second = Shards.Of(2, 2, Measured.Loaded("b") with { Engine = "libtorch", Library = "libtorch 2.14.0" });

        Refused(first, second).Should().EndWith(": library of libtorch libtorch 2.6.0 and libtorch 2.14.0");
    }

    [Fact]
    public void What_is_no_shard_is_put_together_with_nothing()
    {
        Refused(Shards.First, Shards.Second with { Shard = null })
            .Should().Be("1.json: is a run of its own, and no shard of one: several files are those of `loadline run --shard 1/N` to N/N");
        Refused(Together(Shards.First, Shards.Second), Shards.Second).Should().StartWith("0.json: is put together already, and no shard of one");
    }

    [Fact]
    public void The_name_of_a_file_is_no_line_of_its_own()
    {
        const string name = "x.json\nok    b\u001b[2K";
        var run = Merge.Of([new RunPart("a.json", Shards.First), new RunPart(name, Shards.Second with { Incomplete = "by a signal" })]);

        run.MergedFrom![1].File.Should().Be(PrintableText.Escape(name));
        run.Incomplete.Should().Contain("of x.json\\u000aok    b\\u001b[2K ended early").And.NotContain("\n");
        ResultNotes.Of(run).Should().OnlyContain(note => !note.Contains('\n'));
    }

    [Fact]
    public void Files_take_together_what_one_may()
    {
        using var folder = new TemporaryFolder();
        // Each is read by itself: texts of four characters take more than their bytes.
        string[] files = [.. Enumerable.Range(1, 3).Select(number => folder[$"{number}.json"])];
        for (var i = 0; i < files.Length; i++) (Shards.Of(i + 1, 3) with { Notes = [.. Enumerable.Range(0, 300_000).Select(_ => "note")] }).Write(files[i]);

        RunFiles.Read(files[..1]).Should().NotBeNull();
        FluentActions.Invoking(() => RunFiles.Read(files)).Should().Throw<InputException>().WithMessage("*: with the files before it, tells more values than their bytes are good for");
    }

    private static ResultFile Together(params ResultFile[] parts) => Merge.Of([.. parts.Select((part, i) => new RunPart($"{i}.json", part))]);

    private static string Refused(params ResultFile[] parts) =>
        FluentActions.Invoking(() => Together(parts)).Should().Throw<InputException>().Which.Message;
}
