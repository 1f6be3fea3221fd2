using System.Text.Json;

namespace Loadline.Unit.Documentation;

public sealed class WildTableTests
{
    [Fact]
    public void The_table_of_what_other_programs_leave_says_what_the_tests_hold()
    {
        var document = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "formats.md"));
        var expected = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("wild/expected.json"))).RootElement.EnumerateObject();

        document.SkipWhile(line => line != "### What other programs leave").SkipWhile(line => !line.StartsWith('|')).Skip(2).TakeWhile(line => line.StartsWith('|'))
            .Should().Equal(expected.Select(f => $"| {f.Value.GetProperty("what").GetString()} | {f.Value.GetProperty("becomes").GetString()} | `{f.Name}` |"));
    }
}
