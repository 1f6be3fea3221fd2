using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Strategies;

namespace Loadline.Unit.Harness.Commands;

public sealed class BudgetsCommandTests : IDisposable
{
    private const string Budgets = """
        {
          "checkpoints": { "gpt2-medium": { "model": "gpt2-medium" } },
          "cases": [
            { "name": "killed", "checkpoint": "gpt2-medium", "strategy": "streamed", "device": "sim:4GiB", "cap": "64MiB",
              "expect": "killed", "why": "the ring alone is 64 MiB" },
            { "name": "tight",  "checkpoint": "gpt2-medium", "strategy": "streamed", "device": "sim:4GiB", "cap": "128MiB", "expect": "loaded",
              "why": "Größe: the \u00fc stays",   "peakHost":"60MiB", "peakAnonymous" : "100MiB" },
            { "name": "bare", "checkpoint": "gpt2-medium", "strategy": "streamed", "device": "sim:4GiB", "cap": "76MiB",
              "expect": "loaded", "why": "w" },
            { "name": "right", "checkpoint": "gpt2-medium", "strategy": "streamed", "device": "sim:4GiB", "cap": "128MiB", "expect": "loaded", "why": "w",
              "peakAnonymous": "81MiB" }
          ]
        }

        """;

    private readonly FakeHarness _loadline = new(spec => spec.Command.Contains("eager") ? FakeEnd.Killed(60) : FakeEnd.Loaded(9, hostBytes: 1500));

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task An_update_changes_sizes_and_nothing_else()
    {
        (await UpdateAsync(Measured.Killed("killed") with { Strategy = "streamed" }, Measured.Loaded("tight"), Measured.Loaded("bare"), Measured.Loaded("right"))).Should().Be(0);

        Updated().Should().Be(Budgets
            .Replace("\"peakAnonymous\" : \"100MiB\"", "\"peakAnonymous\" : \"80MiB\"")
            .Replace("\"peakHost\":\"60MiB\"", "\"peakHost\":\"64MiB\"")
            .Replace("\"expect\": \"loaded\", \"why\": \"w\" }", "\"expect\": \"loaded\", \"peakAnonymous\": \"76MiB\", \"why\": \"w\" }"));
        var path = _loadline.Folder["budgets.json"];
        _loadline.Out.Should().Be($"""
            {path}:7: 'tight': peakAnonymous 100MiB becomes 80MiB
            {path}:7: 'tight': peakHost 60MiB becomes 64MiB
            {path}:9: 'bare': peakAnonymous 76MiB is new
            {path}: 3 changed

            """);
        BudgetFile.Read(path).Cases.Should().HaveCount(4);
    }

    [Fact]
    public async Task Headroom_can_be_chosen_and_a_byte_order_mark_stays()
    {
        await UpdateAsync(() => _loadline.RunAsync("budgets", "update", _loadline.Folder["r.json"], "--budgets", _loadline.Folder["budgets.json"], "--headroom", "1MiB"),
            "\uFEFF" + Budgets, Measured.Loaded("tight", peakMib: 72.5));

        File.ReadAllBytes(_loadline.Folder["budgets.json"])[..3].Should().Equal(0xEF, 0xBB, 0xBF);
        Updated().Should().Contain("\"peakAnonymous\" : \"74MiB\"");
    }

    [Fact]
    public async Task Results_of_another_case_are_refused()
    {
        (await UpdateAsync(Measured.Loaded("tight") with { Strategy = "eager" })).Should().Be(2);

        _loadline.Error.Should().EndWith("budgets.json:6: 'tight' is streamed of gpt2-medium on sim:4GiB, but the results are of eager of gpt2-medium on sim:4GiB\n");
        Updated().Should().Be(Budgets);
    }

    [Fact]
    public async Task A_second_update_changes_nothing()
    {
        await UpdateAsync(Measured.Loaded("tight"), Measured.Loaded("bare"));
        var once = Updated();

        (await _loadline.RunAsync("budgets", "update", _loadline.Folder["r.json"], "--budgets", _loadline.Folder["budgets.json"])).Should().Be(0);

        Updated().Should().Be(once);
        _loadline.Out.Should().EndWith("budgets.json: says what was measured\n");
    }

    [Fact]
    public async Task Init_writes_what_every_strategy_did()
    {
        var path = _loadline.Folder["budgets.json"];
        var checkpoint = _loadline.Folder.CopyOf(Fixtures.Path("gpt2-tiny.pth"));

        (await _loadline.RunAsync("budgets", "init", checkpoint, "--cap", "64MiB", "--budgets", path)).Should().Be(0);

        var budgets = BudgetFile.Read(path);
        budgets.Cases.Select(c => c.Expect).Should().Equal(Enumerable.Repeat<Outcome?>(Outcome.Loaded, StrategyCatalog.All.Count - 1).Prepend(Outcome.Killed));
        budgets.Cases[1].Should().Match<BudgetCase>(c => c.Strategy == "cpu-then-to" && c.PeakAnonymousBytes == 17 << 20 && c.PeakHostBytes == 1500 && c.CapBytes == 64 << 20);
        File.ReadAllText(path).Should().Contain("""{ "path": "gpt2-tiny.pth" }""");
        (await _loadline.RunAsync("budgets", "init", checkpoint, "--cap", "64MiB", "--budgets", path)).Should().Be(2);
        _loadline.Error.Should().EndWith("budgets.json: is there already; `loadline budgets update` changes it\n");
    }

    private string Updated() => File.ReadAllText(_loadline.Folder["budgets.json"]);

    private Task<int> UpdateAsync(params CaseResult[] cases) =>
        UpdateAsync(() => _loadline.RunAsync("budgets", "update", _loadline.Folder["r.json"], "--budgets", _loadline.Folder["budgets.json"]), Budgets, cases);

    private Task<int> UpdateAsync(Func<Task<int>> run, string budgets, params CaseResult[] cases)
    {
        File.WriteAllText(_loadline.Folder["budgets.json"], budgets);
        Measured.File(cases).Write(_loadline.Folder["r.json"]);
        return run();
    }
}
