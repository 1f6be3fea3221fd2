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
              "why": "Größe: the \u00fc stays",   "peakHost":"70MiB", "peakAnonymous" : "100MiB" },
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
            .Replace("\"peakHost\":\"70MiB\"", "\"peakHost\":\"64MiB\"")
            .Replace("\"expect\": \"loaded\", \"why\": \"w\" }", "\"expect\": \"loaded\", \"peakAnonymous\": \"76MiB\", \"why\": \"w\" }"));
        var path = _loadline.Folder["budgets.json"];
        _loadline.Out.Should().Be($"""
            {path}:7: 'tight': peakAnonymous 100MiB becomes 80MiB
            {path}:7: 'tight': peakHost 70MiB becomes 64MiB
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

    [Theory]
    [InlineData(0L, 1, 1, "held nothing")]
    [InlineData(170L << 20, 1, 1, "of anonymous memory under a cap of")]
    [InlineData(1L << 20, 1L << 60, 1, "on the host under a cap of")]
    [InlineData(1L << 20, 1, 1L << 60, "of device memory on sim:4GiB")]
    public async Task What_nobody_can_have_measured_gets_into_no_budget(long peakBytes, long hostBytes, long deviceBytes, string problem)
    {
        (await UpdateAsync(Bare(Measured.Loaded("tight")) with { Pass = false, PeakAnonymousBytes = peakBytes, HostBytes = hostBytes, DeviceBytes = deviceBytes })).Should().Be(2);

        _loadline.Error.Should().Contain("'tight'").And.Contain(problem);
        Updated().Should().Be(Budgets);
    }

    [Fact]
    public async Task Results_that_contradict_themselves_get_into_no_budget()
    {
        (await UpdateAsync(Measured.Loaded("tight") with { PeakAnonymousAtMostBytes = ByteSize.MiB })).Should().Be(2);

        _loadline.Error.Should().Contain("case 'tight' contradicts itself: it held 72 MiB of anonymous memory, and at most 1 MiB");
        Updated().Should().Be(Budgets);
    }

    [Fact]
    public async Task A_default_that_is_written_out_is_no_other_load()
    {
        (await UpdateAsync(Measured.Loaded("tight") with { Engine = "native" })).Should().Be(0);
    }

    [Theory]
    [InlineData("float16", null, "dtype float16 became none")]
    [InlineData(null, "libtorch", "engine libtorch became native")]
    public async Task Results_of_the_same_name_that_are_of_another_load_are_refused(string? dtype, string? engine, string other)
    {
        (await UpdateAsync(Measured.Loaded("tight") with { DType = dtype, Engine = engine })).Should().Be(2);

        _loadline.Error.Should().EndWith($"budgets.json:6: 'tight' is another case in the results: {other}; measure it as it is now\n");
        Updated().Should().Be(Budgets);
    }

    [Fact]
    public async Task What_passed_by_an_older_budget_and_would_not_by_this_one_is_a_miss()
    {
        (await UpdateAsync(Measured.Loaded("right", peakMib: 100, budget: "120MiB"))).Should().Be(1);

        _loadline.Out.Should().Contain("'right': missed its budget and keeps it; --raise takes over what was measured: 100 MiB of anonymous memory, where 81 MiB is allowed\n");
        Updated().Should().Be(Budgets);
    }

    [Fact]
    public async Task No_headroom_is_too_much_for_the_cap()
    {
        await UpdateAsync(() => _loadline.RunAsync("budgets", "update", _loadline.Folder["r.json"], "--budgets", _loadline.Folder["budgets.json"], "--headroom", "8388607TiB"),
            Budgets, Measured.Loaded("tight"));

        Updated().Should().Contain("\"peakAnonymous\" : \"128MiB\"");
    }

    [Fact]
    public async Task A_name_with_what_cannot_be_seen_is_found_in_the_results_and_a_link_stays_a_link()
    {
        var budgets = Budgets.Replace("\"tight\"", "\"\u26a0\ufe0f tight\"");
        (Measured.File(Measured.Loaded("\u26a0\ufe0f tight"))).Write(_loadline.Folder["r.json"]);
        File.WriteAllText(_loadline.Folder["real.json"], budgets);
        File.CreateSymbolicLink(_loadline.Folder["budgets.json"], _loadline.Folder["real.json"]);

        (await _loadline.RunAsync("budgets", "update", _loadline.Folder["r.json"], "--budgets", _loadline.Folder["budgets.json"])).Should().Be(0);

        File.ReadAllText(_loadline.Folder["real.json"]).Should().Contain("\"peakAnonymous\" : \"80MiB\"");
        new FileInfo(_loadline.Folder["budgets.json"]).LinkTarget.Should().NotBeNull();
    }

    [Fact]
    public async Task A_map_beside_a_link_to_budgets_is_found_as_a_run_finds_it()
    {
        var folder = _loadline.Folder;
        Directory.CreateDirectory(folder["repository"]);
        Directory.CreateDirectory(folder["shared"]);
        File.WriteAllText(folder["repository/map.json"], """{ "": "cpu" }""");
        File.WriteAllText(folder["shared/budgets.json"], Budgets.Replace("\"tight\",", "\"tight\", \"map\": \"map.json\",").Replace("\"streamed\"", "\"device-map\""));
        File.CreateSymbolicLink(folder["repository/budgets.json"], "../shared/budgets.json");
        Measured.File(Measured.Loaded("elsewhere")).Write(folder["r.json"]);

        (await _loadline.RunAsync("budgets", "update", folder["r.json"], "--budgets", folder["repository/budgets.json"])).Should().Be(2);

        _loadline.Error.Should().EndWith("repository/budgets.json: none of its 4 cases is among the 1 that were measured\n");
    }

    [Fact]
    public async Task Results_of_other_cases_change_nothing_and_are_no_success()
    {
        (await UpdateAsync(Measured.Loaded("elsewhere"))).Should().Be(2);

        _loadline.Error.Should().EndWith("budgets.json: none of its 4 cases is among the 1 that were measured\n");
    }

    [Fact]
    public async Task A_run_that_did_not_end_is_refused()
    {
        File.WriteAllText(_loadline.Folder["budgets.json"], Budgets);
        (Measured.File(Measured.Loaded("tight")) with { Incomplete = "interrupted" }).Write(_loadline.Folder["r.json"]);

        (await _loadline.RunAsync("budgets", "update", _loadline.Folder["r.json"], "--budgets", _loadline.Folder["budgets.json"])).Should().Be(2);

        _loadline.Error.Should().EndWith("r.json: the run ended before its last case (interrupted): run it again\n");
    }

    [Fact]
    public async Task A_case_that_missed_its_budget_keeps_it_unless_it_is_to_be_raised()
    {
        var missed = Bare(Measured.Missed("tight")) with { PeakAnonymousBytes = 110 << 20, HostBytes = 60 << 20, Message = "it took 110 MiB" };
        (await UpdateAsync(missed)).Should().Be(1);

        Updated().Should().Be(Budgets);
        _loadline.Out.Should().Contain("budgets.json:6: 'tight': missed its budget and keeps it; --raise takes over what was measured: it took 110 MiB\n");

        (await _loadline.RunAsync("budgets", "update", _loadline.Folder["r.json"], "--budgets", _loadline.Folder["budgets.json"], "--raise")).Should().Be(0);
        Updated().Should().Contain("\"peakAnonymous\" : \"118MiB\"");
    }

    [Fact]
    public async Task A_second_update_changes_nothing()
    {
        await UpdateAsync(Measured.Loaded("tight"), Measured.Loaded("bare"));
        var once = Updated();

        (await _loadline.RunAsync("budgets", "update", _loadline.Folder["r.json"], "--budgets", _loadline.Folder["budgets.json"])).Should().Be(0);

        Updated().Should().Be(once);
        _loadline.Out.Should().EndWith("budgets.json: 2 of its cases were measured; nothing to change\n");
    }

    [Fact]
    public async Task Init_writes_what_every_strategy_did()
    {
        var path = _loadline.Folder["budgets.json"];
        var checkpoint = _loadline.Folder.CopyOf(Fixtures.Path("gpt2-tiny.pth"));

        (await _loadline.RunAsync("budgets", "init", checkpoint, "--cap", "64MiB", "--budgets", path)).Should().Be(0);

        var budgets = BudgetFile.Read(path);
        budgets.Cases.Should().HaveCount(StrategyCatalog.All.Count - 1).And.OnlyContain(c => c.Expect == Outcome.Loaded, "an improvement of what is killed would break its budget");
        _loadline.Out.Should().Contain("eager: killed, left out\n");
        budgets.Cases[0].Should().Match<BudgetCase>(c => c.Strategy == "cpu-then-to" && c.PeakAnonymousBytes == 17 << 20 && c.PeakHostBytes == 1 << 20 && c.CapBytes == 64 << 20);
        File.ReadAllText(path).Should().Contain("\"$schema\": \"./budgets.schema.json\"");
        File.ReadAllText(_loadline.Folder["budgets.schema.json"]).Should().Be(File.ReadAllText(Path.Combine(Loadline.Harness.RepositoryRoot.Find()!, "budgets.schema.json")));
        File.ReadAllText(path).Should().Contain("""{ "path": "gpt2-tiny.pth" }""");
        (await _loadline.RunAsync("budgets", "init", checkpoint, "--cap", "64MiB", "--budgets", path)).Should().Be(2);
        _loadline.Error.Should().EndWith("budgets.json: is there already; `loadline budgets update` changes it\n");
    }

    // A reviewer sees what stands there; the name is the same.
    [Fact]
    public async Task Init_writes_what_nobody_sees_in_a_files_name_as_JSON_escapes_it()
    {
        const string Name = "a\u202eb\u00fc \"c\u200b.pth";
        var (path, checkpoint) = (_loadline.Folder["budgets.json"], _loadline.Folder.Write(Name, File.ReadAllBytes(Fixtures.Path("gpt2-tiny.pth"))));
        (await _loadline.RunAsync("budgets", "init", checkpoint, "--cap", "64MiB", "--budgets", path)).Should().Be(0);

        File.ReadAllText(path).Should().Contain("""{ "path": "a\u202ebü \"c\u200b.pth" }""");
        BudgetFile.Read(path).Cases.Should().NotBeEmpty();
    }

    [Fact]
    public async Task A_budget_file_that_is_not_there_is_a_mistake_in_the_command()
    {
        Measured.File(Measured.Loaded("tight")).Write(_loadline.Folder["r.json"]);

        (await _loadline.RunAsync("budgets", "update", _loadline.Folder["r.json"], "--budgets", _loadline.Folder["gone.json"])).Should().Be(2);
    }

    [Fact]
    public async Task Init_writes_over_no_file_that_came_while_it_measured()
    {
        string? path = null;
        using var loadline = new FakeHarness(_ =>
        {
            File.WriteAllText(path!, "mine");
            return FakeEnd.Loaded(9);
        });
        path = loadline.Folder["budgets.json"];

        (await loadline.RunAsync("budgets", "init", loadline.Folder.CopyOf(Fixtures.Path("gpt2-tiny.pth")), "--cap", "64MiB", "--budgets", path)).Should().Be(2);

        File.ReadAllText(path).Should().Be("mine");
        loadline.Error.Should().EndWith("budgets.json: is there already; `loadline budgets update` changes it\n");
    }

    [Fact]
    public async Task Init_with_passes_expects_what_thrashes_to_thrash_and_all_else_to_reread_nothing()
    {
        using var loadline = new FakeHarness(spec => spec.Command.Contains("mmap-assign") ? FakeEnd.Used(9, 1, 1) : FakeEnd.Used(9, 1, 0));
        var path = loadline.Folder["budgets.json"];

        (await loadline.RunAsync("budgets", "init", loadline.Folder.CopyOf(Fixtures.Path("gpt2-tiny.pth")), "--passes", "2", "--use", "forward", "--budgets", path)).Should().Be(0);

        BudgetFile.Read(path).Cases.Should().OnlyContain(c =>
            c.Passes == 2 && c.Use == "forward" && c.Reread == 0.05 && c.Expect == (c.Strategy == "mmap-assign" ? Outcome.Thrashed : Outcome.Loaded));
    }

    [Fact]
    public async Task Init_without_a_cap_takes_one_that_every_strategy_survives_by_the_plan()
    {
        using var loadline = new FakeHarness();
        (await loadline.RunAsync("budgets", "init", loadline.Folder.CopyOf(Fixtures.Path("gpt2-tiny.pth")), "--budgets", loadline.Folder["budgets.json"])).Should().Be(0);

        loadline.Runtime.Specs.Should().HaveCount(StrategyCatalog.All.Count).And.OnlyContain(s => s.CapBytes == 32 << 20);
        (await loadline.RunAsync("run", "--budgets", loadline.Folder["budgets.json"])).Should().Be(0);
    }

    [Fact]
    public async Task Rounded_counts_are_no_change()
    {
        (await UpdateAsync(() => _loadline.RunAsync("budgets", "update", _loadline.Folder["r.json"], "--budgets", _loadline.Folder["budgets.json"]),
            Budgets.Replace("70MiB", "64MiB").Replace("\"100MiB\"", "\"80MiB\""), Bare(Measured.Loaded("tight")) with { HostBytes = (64 << 20) - 5 })).Should().Be(0);

        _loadline.Out.Should().Contain("nothing to change");
    }

    // Without what its figures were made of, so that they can be others.
    private static CaseResult Bare(CaseResult result) => result with { Timeline = null, Holders = null, Phases = null };

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
