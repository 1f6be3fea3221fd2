using System.Text.RegularExpressions;

namespace Loadline.Unit.Documentation;

/// <summary>docs/threat-model.md names who keeps each promise, and by which tests: both are there.</summary>
public partial class ThreatModelTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "threat-model.md"));

    [Fact]
    public void Each_promise_is_held_by_tests_that_exist()
    {
        var promises = Page.Split('\n').SkipWhile(line => !line.StartsWith("| Promise |", StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith('|')).ToList();

        promises.Should().NotBeEmpty().And.AllSatisfy(promise => Names().Matches(promise).Should().NotBeEmpty());
        promises.SelectMany(promise => Names().Matches(promise)).Select(name => name.Groups[1].Value).Except(ClassesIn("tests/Unit")).Should().BeEmpty();
    }

    [Fact]
    public void What_is_said_to_keep_a_promise_is_in_the_sources()
    {
        var keepers = Keepers().Matches(Page).SelectMany(list => Names().Matches(list.Value)).Select(name => name.Groups[1].Value).ToList();

        keepers.Should().NotBeEmpty();
        keepers.Except(ClassesIn("src")).Should().BeEmpty();
    }

    [Fact]
    public void Each_promise_has_a_section()
    {
        var sections = Page.Split('\n').Where(line => line.StartsWith("## ", StringComparison.Ordinal)).Select(line => "#" + line[3..].ToLowerInvariant().Replace(",", "").Replace(' ', '-'));

        Anchors().Matches(Page).Select(anchor => anchor.Groups[1].Value).Except(sections).Should().BeEmpty();
    }

    private static IEnumerable<string?> ClassesIn(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories).Select(Path.GetFileNameWithoutExtension);

    [GeneratedRegex("`([A-Z][A-Za-z]+)`")]
    private static partial Regex Names();

    // Names in parentheses that hold nothing else.
    [GeneratedRegex(@"\(`[A-Z][A-Za-z]+`(, `[A-Z][A-Za-z]+`)*\)")]
    private static partial Regex Keepers();

    [GeneratedRegex(@"\]\((#[^)]+)\)")]
    private static partial Regex Anchors();
}
