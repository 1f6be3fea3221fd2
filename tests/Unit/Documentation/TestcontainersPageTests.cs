namespace Loadline.Unit.Documentation;

/// <summary>What the page shows is what a test of the constrained suite runs.</summary>
public class TestcontainersPageTests
{
    [Fact]
    public void Its_code_is_the_snippet_that_the_suite_runs()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "testcontainers.md"));
        var source = File.ReadAllLines(Path.Combine(Repository.Root, "tests", "Constrained", "Containers", "ContainerMemoryTests.cs"));
        var body = source.SkipWhile(line => !line.Contains("// <page>")).Skip(1).TakeWhile(line => !line.Contains("// </page>"));

        page.Split("```csharp\n")[1].Split("```")[0].Trim().Should().Be(string.Join("\n", body.Select(line => line.Length >= 8 ? line[8..] : line)).Trim());
    }
}
