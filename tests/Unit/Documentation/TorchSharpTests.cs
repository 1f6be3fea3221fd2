namespace Loadline.Unit.Documentation;

/// <summary>docs/torchsharp.md shows code that tests/TorchSharp compiles and runs, where there is a TorchSharp.</summary>
public class TorchSharpTests
{
    [Fact]
    public void Every_snippet_is_code_that_is_compiled()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "torchsharp.md"));
        var shown = page.Split("```csharp\n").Skip(1).Select(rest => rest.Split("```")[0].Trim()).ToList();

        shown.Should().Equal(Compiled("load"), Compiled("strategy"), Compiled("names"), Compiled("compute"), Compiled("tensor"));
    }

    // What stands between the markers of a name, at the margin.
    private static string Compiled(string name)
    {
        var source = File.ReadAllLines(Path.Combine(Repository.Root, "tests", "TorchSharp", "Snippets.cs"));
        var lines = source.SkipWhile(l => l.Trim() != $"// <{name}>").Skip(1).TakeWhile(l => l.Trim() != $"// </{name}>");
        return string.Join("\n", lines.Select(l => l.Length >= 8 ? l[8..] : l)).Trim();
    }
}
