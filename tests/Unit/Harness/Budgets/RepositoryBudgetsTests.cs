using System.Text;
using System.Text.Json;
using Loadline.Harness;
using Loadline.Harness.Budgets;
using Loadline.Strategies;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Harness.Budgets;

/// <summary>budgets.json of this repository, and the schema that editors complete from.</summary>
public class RepositoryBudgetsTests
{
    private static readonly string Root = RepositoryRoot.Find()!;
    private static readonly JsonElement Schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Root, "budgets.schema.json"))).RootElement;
    private static readonly BudgetFile Budgets = BudgetFile.Read(Path.Combine(Root, "budgets.json"));

    // Loads of one worker, with the native engine and in the checkpoint's own dtypes: the strategies as they are.
    private static readonly IReadOnlyList<BudgetCase> Plain =
        [.. Budgets.Cases.Where(c => c is { Engine: null, DType: null, Processes: 1 })];

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim:4GiB")]
    public void Every_strategy_survives_somewhere_and_is_verified_there(string device) =>
        Plain.Where(c => c.Device == device && c is { Expect: Outcome.Loaded, Verify: "digest", PeakAnonymousBytes: not null, PeakHostBytes: not null })
            .Select(c => c.Strategy).Distinct().Should().Equal(StrategyCatalog.All.Select(s => s.Name));

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim:4GiB")]
    public void Every_strategy_with_a_peak_over_128_MiB_is_killed_or_refused_somewhere(string device) =>
        Plain.Where(c => c.Device == device && c.Expect is Outcome.Killed or Outcome.Refused).Select(c => c.Strategy).Should().Equal(
            Plain.Where(c => c.Device == device && c.PeakHostBytes > 128 << 20).Select(c => c.Strategy));

    [Fact]
    public void A_cap_that_kills_lies_clearly_below_the_peak()
    {
        foreach (var killed in Plain.Where(c => c.Expect == Outcome.Killed))
        {
            var peak = Plain.Single(c => c.Strategy == killed.Strategy && c.Device == killed.Device && c.Expect == Outcome.Loaded).PeakHostBytes!.Value;
            (peak - killed.CapBytes).Should().BeGreaterThanOrEqualTo(64 << 20, killed.Name);
        }
    }

    [Fact]
    public void Libtorch_is_killed_survives_and_is_verified()
    {
        var cases = Budgets.Cases.Where(c => c.Engine == EngineNames.Libtorch).ToList();

        cases.Should().Contain(c => c.Strategy == "eager" && c.Expect == Outcome.Killed);
        cases.Should().Contain(c => c.Strategy == "mmap-assign" && c.Verify == "digest" && c.CapBytes == 256 << 20);
    }

    [Fact]
    public void Every_strategy_loads_into_a_module_of_TorchSharps_and_is_killed_or_refused_there_where_its_peak_allows_it()
    {
        var cases = Budgets.Cases.Where(c => c is { Engine: EngineNames.TorchSharp, Device: "cpu" }).ToList();
        var survived = cases.Where(c => c is { Expect: Outcome.Loaded, Verify: "digest" }).ToList();

        survived.Select(c => c.Strategy).Should().Equal(StrategyCatalog.All.Select(s => s.Name));
        survived.Should().AllSatisfy(c => (c.PeakAnonymousBytes - c.PeakHostBytes >> 20).Should().BeInRange(71, 80, c.Name));
        cases.Where(c => c.Expect is Outcome.Killed or Outcome.Refused).Select(c => c.Strategy).Should().Equal(
            survived.Where(c => c.PeakHostBytes > 0).Select(c => c.Strategy));
        cases.Should().Contain(c => c.Strategy == "mmap-assign" && c.Verify == "forward");
    }

    [Theory]
    [InlineData("Module.load")]
    [InlineData("load_state_dict")]
    [InlineData("load_py")]
    [InlineData("load_safetensors")]
    public void Each_way_that_users_of_TorchSharp_have_survives_one_cap_and_is_killed_by_another(string way)
    {
        var cases = Budgets.Cases.Where(c => c.Command.Contains(way)).ToList();

        cases.Select(c => c.Expect).Should().Equal(Outcome.Loaded, Outcome.Killed);
        cases[0].PeakAnonymousBytes.Should().NotBeNull();
        (cases[0].PeakAnonymousBytes - cases[1].CapBytes).Should().BeGreaterThan(256 << 20);
    }

    [Theory]
    [InlineData("checkpoint", """{ "checkpoints": { "c": { "?": 1 } }, "cases": [{}] }""")]
    [InlineData("case", """
        {
          "checkpoints": { "c": { "model": "m" } },
          "cases": [{ "name": "n", "checkpoint": "c", "strategy": "eager", "device": "cpu", "cap": "1GiB", "expect": "loaded", "why": "w", "?": 1 }]
        }
        """)]
    public void The_schema_has_the_members_that_the_reader_knows(string definition, string withUnknownMember)
    {
        var refusal = FluentActions.Invoking(() => BudgetReader.Read("b", Encoding.UTF8.GetBytes(withUnknownMember))).Should().Throw<InputException>().Which;
        var known = refusal.Message.Split("known are ")[1].Split(", ");

        Definition(definition).GetProperty("properties").EnumerateObject().Select(p => p.Name).Should().BeEquivalentTo(known);
    }

    [Fact]
    public void The_schema_has_the_names_that_the_reader_knows()
    {
        var members = Definition("case").GetProperty("properties");

        Enum(members.GetProperty("strategy")).Should().Equal(StrategyCatalog.All.Select(s => s.Name));
        Enum(members.GetProperty("expect")).Should().Equal(Outcomes.Expectable.Select(o => o.Name()));
        Enum(members.GetProperty("engine")).Should().Equal(Known.Engines);
        Enum(members.GetProperty("verify")).Should().Equal(Known.Verifications);
        Enum(Definition("checkpoint").GetProperty("properties").GetProperty("dtype")).Should().Equal(Known.ModelDTypes);
        Enum(Definition("checkpoint").GetProperty("properties").GetProperty("format")).Should().Equal(Loadline.Checkpoints.CheckpointFormats.Writable);
    }

    private static JsonElement Definition(string name) => Schema.GetProperty("$defs").GetProperty(name);

    private static IEnumerable<string?> Enum(JsonElement definition) => definition.GetProperty("enum").EnumerateArray().Select(e => e.GetString());
}
