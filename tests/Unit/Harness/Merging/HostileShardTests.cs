using Loadline.Harness;
using Loadline.Harness.Reports;
using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Merging;

/// <summary>Files of shards that no run writes.</summary>
public sealed class HostileShardTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("\"number\": 1", "\"number\": 0", "is shard 0/2, which there cannot be")]
    [InlineData("\"number\": 1", "\"number\": 3", "is shard 3/2, which there cannot be")]
    [InlineData("\"of\": 2", "\"of\": 2147483647", "is shard 1/2147483647, which there cannot be")]
    [InlineData("\"b\",", "\"a\",", "names case 'a' twice")]
    [InlineData("\n      \"c\",", "\n      \"x\",", "holds case 'c', which is none of its run's or stands there twice")]
    [InlineData("\"b\",", "null,", "holds no results of `loadline run`: *")]
    [InlineData("\"number\": 1", "\"number\": 1e99", "holds no results of `loadline run`: *")]
    public void What_no_run_writes_is_refused_in_a_line(string sound, string damaged, string problem)
    {
        Shards.First.Write(_folder["1.json"]);
        var text = File.ReadAllText(_folder["1.json"]);
        text.Should().Contain(sound);
        File.WriteAllText(_folder["1.json"], text.Replace(sound, damaged));

        FluentActions.Invoking(() => ResultFile.Read(_folder["1.json"])).Should().Throw<InputException>().WithMessage($"{_folder["1.json"]}:*{problem}").Which.Message.Should().NotContain("\n");
    }

    [Fact]
    public void A_case_that_is_measured_and_skipped_is_refused()
    {
        (Shards.First with { Skipped = [new SkippedCase("a", "no GPU")] }).Write(_folder["1.json"]);

        FluentActions.Invoking(() => ResultFile.Read(_folder["1.json"])).Should().Throw<InputException>().WithMessage("*: holds case 'a', which is none of its run's or stands there twice");
    }

    [Theory]
    [MemberData(nameof(Merged))]
    public void What_was_put_together_otherwise_is_refused(string problem)
    {
        Damaged[problem].Write(_folder["all.json"]);

        FluentActions.Invoking(() => ResultFile.Read(_folder["all.json"])).Should().Throw<InputException>().WithMessage($"{_folder["all.json"]}: was put together from {problem}").Which.Message.Should().NotContain("\n");
    }

    public static TheoryData<string> Merged => [.. Damaged.Keys];

    private static Dictionary<string, ResultFile> Damaged
    {
        get
        {
            var whole = Loadline.Harness.Merging.Merge.Of([new("1.json", Shards.First), new("2.json", Shards.Second)]);
            var (one, other) = (whole.MergedFrom![0], whole.MergedFrom[1]);
            return new()
            {
                ["4 cases, and holds 3"] = whole with { Cases = [.. whole.Cases.Take(3)] },
                ["shard '2/2', which is none, is there twice, or is of another run"] = whole with { MergedFrom = [other, other] },
                ["shard '3/2', which is none, is there twice, or is of another run"] = whole with { MergedFrom = [one, other with { Shard = "3/2" }] },
                ["shard '2/3', which is none, is there twice, or is of another run"] = whole with { MergedFrom = [one, other with { Shard = "2/3" }] },
                ["shard 2/2, which ran otherwise: cgroup version 1 and 2"] = whole with { MergedFrom = [one, other with { Environment = other.Environment with { CgroupVersion = 2 } }] },
            };
        }
    }

    [Fact]
    public void Names_reasons_and_paths_of_a_stranger_stay_text_and_a_message_stays_a_line_that_can_be_read()
    {
        const string evil = "\u001b]0;x\u0007\n::error::forged <script>";
        var names = Enumerable.Range(0, 5000).Select(i => $"{new string('n', 500)} {i} {evil}").ToList();
        var file = Shards.First with
        {
            Cases = [],
            Shard = new ResultShard(1, 2, [.. names]) { BalancedBy = evil },
            Skipped = [new SkippedCase(names[0], evil)],
            Commit = evil,
        };
        file.Write(_folder["1.json"]);

        var run = Loadline.Harness.Merging.RunFiles.Read([_folder["1.json"]]);

        run.Incomplete.Should().StartWith("4999 of 5000 cases are missing without shard 2/2: 'nnn").And.EndWith(" and 4979 more").And.NotContain("\n");
        run.Incomplete!.Length.Should().BeLessThan(3000);
        var read = ResultFile.Read(_folder["1.json"]);
        (Measured.File(Measured.Loaded()) with { MergedFrom = [new MergedPart(evil, "1/1", 1, evil, Measured.Environment with { Kernel = evil })] }).Write(_folder["whole.json"]);
        var whole = ResultFile.Read(_folder["whole.json"]);
        foreach (var text in new[] { run, read, whole }.SelectMany(results => (string[])[ResultMarkdown.Of(results), ResultPage.Of(results)]))
            text.Should().NotContain("\u001b").And.NotContain("\n::error").And.NotContain("<script>");
    }
}
