using System.Text.RegularExpressions;

namespace Loadline.Unit.Architecture;

/// <summary>Lines are as long as .editorconfig says; texts in quotes do not count, and a text of several lines is what it is.</summary>
public sealed partial class LineLengthTests
{
    private static readonly string[] Rooms = ["src", "tests", "benchmarks", "examples"];

    [Fact]
    public void No_line_is_longer_than_editorconfig_says()
    {
        var most = int.Parse(Limit().Match(File.ReadAllText(Path.Combine(Repository.Root, ".editorconfig"))).Groups[1].ValueSpan);

        Rooms.SelectMany(room => Directory.EnumerateFiles(Path.Combine(Repository.Root, room), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/") && !file.Contains("/bin/"))
            .SelectMany(file => Long(file, most)).Should().BeEmpty();
    }

    private static IEnumerable<string> Long(string file, int most)
    {
        var isInText = false;
        foreach (var (index, line) in File.ReadLines(file).Index())
        {
            var marks = line.Split("\"\"\"").Length - 1;
            if (!isInText && marks == 0 && line.Length > most && Texts().Replace(line, "").Length > most) yield return $"{Path.GetRelativePath(Repository.Root, file)}:{index + 1}";
            isInText ^= marks % 2 == 1;
        }
    }

    [GeneratedRegex(@"^max_line_length = (\d+)$", RegexOptions.Multiline)]
    private static partial Regex Limit();

    [GeneratedRegex(@"""(?:\\.|[^""\\])*""")]
    private static partial Regex Texts();
}
