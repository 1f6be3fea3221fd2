using Loadline.Harness;
using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Results;

public sealed class ResultFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back()
    {
        var results = Measured.File(Measured.Loaded() with { Noise = new Noise(3, 1, 2) }, Measured.Killed(), Measured.Missed()) with { Incomplete = "interrupted" };
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

        FluentActions.Invoking(() => ResultFile.Read(_folder["results.json"])).Should().Throw<InputException>().WithMessage("*: case 'streamed survives' has a timeline whose columns differ in length");
    }

    [Fact]
    public void Of_several_runs_the_worst_counts_and_the_spread_is_kept()
    {
        var runs = new[] { Measured.Loaded(peakMib: 72), Measured.Loaded(peakMib: 73), Measured.Loaded(peakMib: 71) };

        Noise.Worst(runs).Should().Be(runs[1] with { Noise = new Noise(3, 71 << 20, 73 << 20) });
        Noise.Worst([.. runs, Measured.Missed()]).Pass.Should().BeFalse();
        Noise.Worst([runs[0]]).Should().Be(runs[0]);
    }
}
