using System.Text.RegularExpressions;

namespace Loadline.Unit.Documentation;

/// <summary>What pages lead to is there.</summary>
public partial class PathsTests
{
    /// <summary>The pages that people read.</summary>
    public static TheoryData<string> Pages => new(
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md")
            .Concat(Directory.EnumerateFiles(Repository.Root, "*.md"))
            .Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "README.md", SearchOption.AllDirectories))
            .Select(page => Path.GetRelativePath(Repository.Root, page))
            .Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Pages))]
    public void Links_lead_to_files_of_the_tree(string page)
    {
        var path = Path.Combine(Repository.Root, page);
        var links = Links().Matches(File.ReadAllText(path)).Select(link => link.Groups[1].Value).Where(link => !link.Contains("://") && !link.StartsWith('#'));

        links.Where(link => !Path.Exists(Path.Combine(Path.GetDirectoryName(path)!, link.Split('#')[0]))).Should().BeEmpty();
    }

    [Fact]
    public void The_index_leads_to_every_page()
    {
        var index = File.ReadAllText(Path.Combine(Repository.Root, "docs", "README.md"));

        Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md").Select(page => Path.GetFileName(page)!)
            .Where(page => page != "README.md" && !index.Contains($"({page})")).Should().BeEmpty();
    }

    [Fact]
    public void Each_project_has_its_room()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "architecture.md"));

        Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories).Select(project => Path.GetFileNameWithoutExtension(project))
            .Where(project => !page.Contains(project)).Should().BeEmpty();
    }

    [Theory]
    [InlineData("a column of the report", 2)]
    [InlineData("a field of budgets", 4)]
    [InlineData("a gauge", 4)]
    public void A_change_that_is_often_made_is_made_in_few_files(string change, int most)
    {
        var row = File.ReadLines(Path.Combine(Repository.Root, "docs", "architecture.md")).Single(line => line.StartsWith($"| {change} |", StringComparison.Ordinal));
        var files = int.Parse(row.TrimEnd('|', ' ').Split('|')[^1].Trim());

        files.Should().BeLessThanOrEqualTo(most);
        // "Or" names another file for the same step.
        (Links().Count(row) - Regex.Count(row, @"\) or \[")).Should().Be(files);
    }

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Links();
}
