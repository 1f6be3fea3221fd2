using System.Text.RegularExpressions;

namespace Loadline.Unit.Workflows;

/// <summary>A file under .github, read by its indentation: two blanks a level, as all of them are written.</summary>
/// <param name="Path">Relative to the repository.</param>
/// <param name="Text">All of it.</param>
internal sealed partial record WorkflowFile(string Path, string Text)
{
    public static IReadOnlyList<WorkflowFile> Workflows { get; } = ReadAll("workflows");

    public static IReadOnlyList<WorkflowFile> Actions { get; } = ReadAll("actions");

    /// <summary>The jobs by name, each with its own lines.</summary>
    public IReadOnlyDictionary<string, string> Jobs => JobHead().Matches(Block("jobs")).ToDictionary(
        match => match.Groups["name"].Value, match => match.Groups["body"].Value);

    /// <summary>What each <c>uses:</c> names, its comment included.</summary>
    public IEnumerable<string> Uses => UsesLine().Matches(Text).Select(match => match.Groups["what"].Value.Trim());

    /// <summary>The scripts of all steps, as they are written.</summary>
    public IEnumerable<string> Scripts => RunBlock().Matches(Text).Select(match => match.Value);

    /// <summary>The lines below a key at the margin.</summary>
    public string Block(string key) => Regex.Match(Text, $@"^{key}:.*\n(?<body>(?:[ #].*\n|\n)*)", RegexOptions.Multiline).Groups["body"].Value;

    public override string ToString() => Path;

    private static IReadOnlyList<WorkflowFile> ReadAll(string folder) =>
    [
        .. Directory.EnumerateFiles(System.IO.Path.Combine(Repository.Root, ".github", folder), "*.yml", SearchOption.AllDirectories).Order()
            .Select(file => new WorkflowFile(System.IO.Path.GetRelativePath(Repository.Root, file), File.ReadAllText(file))),
    ];

    [GeneratedRegex(@"^  (?<name>[\w-]+):\n(?<body>(?:    .*\n|  #.*\n|\n)*)", RegexOptions.Multiline)]
    private static partial Regex JobHead();

    [GeneratedRegex(@"^ +(?:- )?uses: (?<what>.*)$", RegexOptions.Multiline)]
    private static partial Regex UsesLine();

    [GeneratedRegex(@"^(?<item> +)- run: .*\n(?:\k<item>    .*\n)*|^(?<key> +)run: .*\n(?:\k<key>  .*\n)*", RegexOptions.Multiline)]
    private static partial Regex RunBlock();
}
