using Loadline.Harness;
using Loadline.Harness.Reports;
using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Results;

public sealed class ResultFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back()
    {
        var loaded = Measured.Loaded() with { Noise = new Noise(3, 70 << 20, 72 << 20), DeviceMap = new Dictionary<string, string> { ["lm_head"] = "cpu" } };
        var results = Measured.File(loaded, Measured.Killed(), Measured.Missed()) with { Incomplete = "interrupted" };
        var path = _folder["results.json"];

        results.Write(path);

        ResultFile.Read(path).Should().BeEquivalentTo(results, options => options.WithStrictOrdering());
    }

    [Fact]
    public void A_timeline_takes_a_line_a_gauge()
    {
        var path = _folder["results.json"];
        Measured.File(Measured.Loaded()).Write(path);

        var lines = File.ReadAllLines(path);
        lines.Should().HaveCountLessThan(100).And.ContainSingle(l => l.Contains("\"anonBytes\": [0,")).Which.Split(',').Length.Should().BeGreaterThan(200);
    }

    [Theory]
    [InlineData("{", "results.json:1: holds no results of `loadline run`: *")]
    [InlineData("null", "results.json: holds no results of `loadline run`")]
    [InlineData("[]", "results.json:1: holds no results of `loadline run`: *")]
    [InlineData("""{ "schema": 1, "cases": [] }""", "results.json*: holds no results of `loadline run`*")]
    [InlineData("""{ "schema": 9, "environment": {}, "cases": [] }""", "results.json: has schema 9, this program reads 1")]
    public void Other_files_are_refused(string text, string problem)
    {
        File.WriteAllText(_folder["results.json"], text);

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>().WithMessage($"{_folder.Path}/{problem}");
    }

    [Theory]
    [InlineData("\"name\": \"streamed survives\"", "\"name\": null")]
    [InlineData("\"cases\": [", "\"cases\": [ null,")]
    [InlineData("\"phases\": [", "\"phases\": [ null,")]
    [InlineData("\"milliseconds\":", "\"hours\":")]
    [InlineData("\"runtime\": ", "\"running\": ")]
    [InlineData("\"outcome\": \"loaded\"", "\"outcome\": 77")]
    [InlineData("\"pass\": true", "\"pass\": true, \"mappedBytes\": -9223372036854775808")]
    [InlineData("\"milliseconds\": [0,", "\"milliseconds\": [9223372036854775807,")]
    [InlineData("\"anonBytes\": [0,", "\"anonBytes\": [0,{0}")]
    public void What_a_stranger_left_out_or_made_null_is_refused_in_a_line(string sound, string damaged)
    {
        Measured.File(Measured.Loaded()).Write(_folder["results.json"]);
        var text = File.ReadAllText(_folder["results.json"]);
        text.Should().Contain(sound);
        var many = string.Concat(Enumerable.Repeat("0,", 4096));
        File.WriteAllText(_folder["results.json"], text.Replace(sound, damaged.Replace("{0}", many)));

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>()
            .WithMessage($"{_folder["results.json"]}:*: holds no results of `loadline run`: *").Which.Message.Should().NotContain("\n");
    }

    [Theory]
    [InlineData("[0,", "[-1,")]
    [InlineData("[0,", "[1000000000,")]
    public void Time_that_goes_backward_is_refused(string sound, string damaged)
    {
        Measured.File(Measured.Loaded()).Write(_folder["results.json"]);
        File.WriteAllText(_folder["results.json"], File.ReadAllText(_folder["results.json"]).Replace("\"milliseconds\": " + sound, "\"milliseconds\": " + damaged));

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>().WithMessage("*has a timeline whose columns differ in length, or whose time goes backward");
    }

    [Fact]
    public void Texts_and_numbers_of_a_stranger_are_printed_as_they_are_and_do_no_harm()
    {
        var path = _folder["results.json"];
        Measured.File(Measured.Killed() with
        {
            Why = "\u001b]0;x\u0007\n::error::forged",
            PeakAnonymousBytes = 1L << 60,
            Cap = "1048576TiB",
            CapBytes = 1L << 60,
            WallSeconds = 1e18,
            Seconds = 1e18,
        }).Write(path);
        var results = ResultFile.Read(path);

        results.Cases[0].Why.Should().Be("\\u001b]0;x\\u0007\\u000a::error::forged");
        foreach (var text in (string[])[ResultMarkdown.Of(results), ResultPage.Of(results)]) text.Should().NotContain("\u001b").And.NotContain("\n::error");
    }

    [Theory]
    [InlineData("streamed", 64, true)]
    [InlineData("streamed", 129, false)]
    [InlineData("eager", 64, false)]
    [InlineData("nothing of it", 64, false)]
    public void What_it_says_to_take_was_loaded_with_room_to_spare(string take, int plannedMib, bool isSound)
    {
        CaseResult[] cases =
        [
            Measured.Loaded(budget: null) with { Expect = null, PlannedCapBytes = plannedMib * ByteSize.MiB },
            Measured.Killed() with { Expect = null, PlannedCapBytes = ByteSize.MiB },
        ];
        (Measured.File(cases) with { Take = take }).Write(_folder["results.json"]);

        var read = FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"]));
        if (isSound) read.Should().NotThrow();
        else read.Should().Throw<InputException>().WithMessage($"*: says to take '{take}', which no case of it loaded with room to spare");
    }

    [Fact]
    public void Names_by_the_hundred_thousand_are_more_than_their_bytes_are_good_for()
    {
        var names = Enumerable.Range(0, 900_000).Select(i => $"{i}").ToList();
        (Measured.File(Measured.Loaded("1")) with { Shard = new ResultShard(1, 1, names) }).Write(_folder["results.json"]);
        File.WriteAllText(_folder["results.json"], System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(_folder["results.json"]))!.ToJsonString());

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>().WithMessage("*tells more values than the * that it has are good for*");
    }

    [Theory]
    [InlineData("\"exitCode\": 0", "\"exitCode\": 137, \"exitCode\": 0")]
    [InlineData("\"schema\": 1", "\"cases\": [], \"schema\": 1")]
    public void A_member_that_stands_there_twice_is_refused(string sound, string doubled)
    {
        Measured.File(Measured.Loaded()).Write(_folder["results.json"]);
        File.WriteAllText(_folder["results.json"], File.ReadAllText(_folder["results.json"]).Replace(sound, doubled));

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>().WithMessage("*: holds no results of `loadline run`: *uplicate*");
    }

    [Theory]
    [InlineData("\"schema\": 1,", "", "has no schema, this program reads 1")]
    [InlineData("\"outcome\": \"loaded\"", "\"outcome\": \"Loaded\"", "holds no results of `loadline run`")]
    [InlineData("\"outcome\": \"loaded\"", "\"outcome\": \"loaded, killed\"", "holds no results of `loadline run`")]
    [InlineData("\"cores\": 2", "\"cores\": -2", "contradicts itself: its environment has -2 cores")]
    [InlineData("\"cgroupVersion\": 1", "\"cgroupVersion\": 3", "contradicts itself: its environment has version 3 of cgroups")]
    [InlineData("\"notes\": []", "\"notes\": [\"LONG\"]", "a text has * where its characters are escaped, more than 512 KiB")]
    public void What_would_not_be_read_again_is_refused(string sound, string damaged, string problem)
    {
        (Measured.File(Measured.Loaded()) with { Notes = [] }).Write(_folder["results.json"]);
        var json = File.ReadAllText(_folder["results.json"]);
        json.Should().Contain(sound);
        File.WriteAllText(_folder["results.json"], json.Replace(sound, damaged).Replace("LONG", new string('\u202e', 100_000)));

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>().WithMessage($"*results.json*: *{problem}*");
    }

    [Fact]
    public void A_case_that_stands_there_twice_is_refused()
    {
        Measured.File(Measured.Loaded(), Measured.Loaded()).Write(_folder["results.json"]);

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>().WithMessage("*: case 'streamed survives' stands there twice");
    }

    [Fact]
    public void A_timeline_whose_columns_differ_is_refused()
    {
        var torn = Measured.Loaded();
        Measured.File(torn with { Timeline = torn.Timeline! with { FileBytes = [1, 2] } }).Write(_folder["results.json"]);

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>().WithMessage("*: case 'streamed survives' has a timeline whose columns differ in length, or whose time goes backward");
    }

    [Fact]
    public void Two_budgets_that_were_missed_stay_two_sentences_and_none_forges_a_line()
    {
        Measured.File(Measured.Missed() with { Message = "one\ntwo\u001b[2J" }).Write(_folder["results.json"]);

        var read = ResultFile.Read(_folder["results.json"]).Cases.Single();

        read.Message.Should().Be("one\ntwo\\u001b[2J");
        Loadline.Harness.Output.FailureText.Of(read, place: null).Should().StartWith("one\n  two\\u001b[2J\n");
    }
}
