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

    [Fact]
    public void Commands_are_compared_word_by_word_and_what_is_told_of_a_long_one_is_its_ends()
    {
        string[] words = [.. Enumerable.Range(0, 100_000).Select(i => $"{i}")];
        string Became(params string[] after) => CaseComparer.Compare(Plain with { Command = words }, Plain with { Command = after }).Sentences.Single();

        CaseComparer.Compare(Plain with { Command = words }, Plain with { Command = [.. words] }).Change.Should().Be(Change.Same);
        CaseComparer.Compare(Plain with { Command = ["a", "b"] }, Plain with { Command = ["a b"] }).Sentences.Single().Should().EndWith(": command a b became 'a b'");
        CaseComparer.Compare(Plain, Plain with { Command = [] }).Change.Should().Be(Change.Same);
        CaseComparer.Compare(Plain with { Command = ["\u001b"] }, Plain with { Command = [@"\u001b"] }).Change.Should().Be(Change.Same, "one of them was read");
        Became([.. words[..^1], "x"]).Should().Contain(": command 0 1 2 3 ").And.Contain(" 99998 99999 became 0 1 2 3 ").And.EndWith(" 99998 x").And.Subject.Length.Should().BeLessThan(2200);
        Became("a").Should().EndWith(" 99998 99999 became a");
    }

    [Fact]
    public void What_cases_have_in_common_takes_no_memory_to_compare()
    {
        var names = Enumerable.Range(0, 100_000).Select(i => $"{i}").ToList();
        var before = Plain with { Command = names, DeviceMap = names.ToDictionary(name => name, name => "cpu"), LastLines = names };
        var after = before with { Command = [.. names], DeviceMap = names.ToDictionary(name => name, name => "cpu"), LastLines = [.. names] };
        _ = CaseComparer.Compare(Plain, Plain);
        var allocated = GC.GetAllocatedBytesForCurrentThread();

        _ = CaseComparer.Compare(before, after);

        (GC.GetAllocatedBytesForCurrentThread() - allocated).Should().BeLessThan(256 * ByteSize.KiB);
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
