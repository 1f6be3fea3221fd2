using System.Text.Json;
using Loadline.Harness.Budgets;
using Loadline.Harness.Comparing;
using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Budgets;

/// <summary>A case's members stand in one list. What cannot be made of it is held to it here.</summary>
public class CaseMembersTests
{
    private static readonly string[] Names = [.. CaseMembers.All.Select(member => member.Name)];

    [Fact]
    public void The_schema_has_them_all()
    {
        using var schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "budgets.schema.json")));

        schema.RootElement.GetProperty("$defs").GetProperty("case").GetProperty("properties").EnumerateObject().Select(p => p.Name).Should().BeEquivalentTo(Names);
    }

    [Fact]
    public void The_results_begin_with_them_in_their_order() =>
        ResultJson.Default.CaseResult.Properties.Select(property => property.Name).Take(Names.Length).Should().Equal(Names);

    [Theory]
    [InlineData("map", "auto", "balanced")]
    [InlineData("maxMemory", "cpu=1GiB", "cpu=2GiB")]
    [InlineData("noSplit", "h.*", "none")]
    [InlineData("verify", "digest", "forward")]
    [InlineData("resident", "64MiB", "128MiB")]
    [InlineData("ring", "64MiB", "128MiB")]
    public void A_run_with_another_value_of_a_member_is_another_case(string member, string before, string after)
    {
        var compared = CaseComparer.Compare(With(member, before), With(member, after));
        var grown = CaseComparer.Compare(With(member, before), With(member, after) with { PeakAnonymousBytes = 999 << 20 });

        compared.Change.Should().Be(Change.Altered);
        compared.Sentences.Single().Should().EndWith($": {member} {before} became {after}");
        grown.Sentences.Single().Should().StartWith($"'n' is another case now ({member} {before} became {after}): its anonymous memory grew");
    }

    [Fact]
    public void Members_that_are_not_given_are_named_so()
    {
        CaseComparer.Compare(Plain, With("map", "auto")).Sentences.Single().Should().EndWith(": map none became auto");
        CaseComparer.Compare(Plain, Plain with { Processes = 3 }).Sentences.Single().Should().EndWith(": processes 1 became 3");
    }

    private static CaseResult Plain => new()
    {
        Name = "n",
        Checkpoint = "c",
        Cap = "1GiB",
        Why = "w",
        CapBytes = 1 << 30,
        Outcome = Outcome.Loaded,
        Pass = true,
        PeakAnonymousBytes = 1 << 20,
    };

    private static CaseResult With(string member, string value)
    {
        var json = JsonSerializer.SerializeToNode(Plain, ResultJson.Default.CaseResult)!;
        json[member] = value;
        return JsonSerializer.Deserialize(json, ResultJson.Default.CaseResult)!;
    }
}
