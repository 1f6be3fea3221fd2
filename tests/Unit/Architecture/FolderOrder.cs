using System.Text.RegularExpressions;

namespace Loadline.Unit.Architecture;

/// <summary>
/// The order between the folders of a project, as a line of its README says it: each may use what stands left of it, and itself. <c>.</c> is the project's
/// own folder. A type in no namespace is the program, which stands above all.
/// </summary>
internal sealed partial class FolderOrder
{
    /// <summary>What the line begins with.</summary>
    public const string Start = "Order of the folders: ";

    private readonly string _project;
    private readonly Dictionary<string, string> _fileOfType = new(StringComparer.Ordinal);

    private FolderOrder(string project, IReadOnlyList<string> folders)
    {
        (_project, Folders) = (project, folders);
        foreach (var file in Sources(project))
        {
            foreach (Match declaration in Declarations().Matches(File.ReadAllText(file))) _fileOfType.TryAdd(declaration.Groups["name"].Value, file);
        }
    }

    /// <summary>The lowest first.</summary>
    public IReadOnlyList<string> Folders { get; }

    /// <summary>Reads a project's README.</summary>
    public static FolderOrder Of(string project)
    {
        var line = File.ReadLines(Path.Combine(Root(project), "README.md")).SingleOrDefault(l => l.StartsWith(Start, StringComparison.Ordinal))
            ?? throw new InvalidOperationException(
                $"src/{project}/README.md lacks its line '{Start}`A` ← `B`': each folder may use what stands left of it");
        return new FolderOrder(project, [.. Quoted().Matches(line).Select(quoted => quoted.Groups[1].Value)]);
    }

    /// <summary>The folders that hold code, as paths from the project's own.</summary>
    public static IEnumerable<string> FoldersOf(string project) => Sources(project).Select(file => FolderOf(project, file)).Distinct();

    /// <summary>What goes the wrong way, a line each: the file, what it names, and the rule.</summary>
    public IReadOnlyList<string> Violations(IEnumerable<Type> types) =>
        [.. types.SelectMany(CompiledViolations).Concat(Sources(_project).SelectMany(UsingViolations)).Distinct().Order(StringComparer.Ordinal)];

    private IEnumerable<string> CompiledViolations(Type type)
    {
        if (FileOf(type) is not { } file) yield break;
        foreach (var named in TypeReferences.Of(type).Where(named => named.Assembly == type.Assembly))
        {
            if (FileOf(named) is { } other && Wrong(file, FolderOf(_project, other), Outermost(named).Name) is { } wrong) yield return wrong;
        }
    }

    // Constants and attributes leave no trace in what is compiled; the using that they need is in the source.
    private IEnumerable<string> UsingViolations(string file) =>
        Usings().Matches(File.ReadAllText(file))
            .Where(used => used.Groups["project"].Value == _project)
            .Select(used => Wrong(file, used.Groups["folder"].Value.Replace('.', '/'), used.Value))
            .OfType<string>();

    private string? Wrong(string file, string to, string what)
    {
        var from = FolderOf(_project, file);
        if (file.EndsWith("/Program.cs", StringComparison.Ordinal) || Place(to) <= Place(from)) return null;
        return $"{Path.GetRelativePath(Repository.Root, file)}: {what} is of folder {to}, and {from} may use what stands left of it alone: {string.Join(" ← ", Folders)}";
    }

    private int Place(string folder) => Folders.ToList().IndexOf(folder) is var place and >= 0
        ? place
        : throw new InvalidOperationException($"src/{_project}/README.md: the order of the folders lacks `{folder}`");

    // What generators and the compiler write stands in no file of the project.
    private string? FileOf(Type type) => Outermost(type).Namespace is null ? null : _fileOfType.GetValueOrDefault(Outermost(type).Name.Split('`')[0]);

    private static Type Outermost(Type type)
    {
        while (type.DeclaringType is { } outer) type = outer;
        return type;
    }

    private static string Root(string project) => Path.Combine(Repository.Root, "src", project);

    private static string FolderOf(string project, string file) => Path.GetRelativePath(Root(project), Path.GetDirectoryName(file)!);

    private static IEnumerable<string> Sources(string project) =>
        Directory.EnumerateFiles(Root(project), "*.cs", SearchOption.AllDirectories)
            .Where(file => FolderOf(project, file).Split('/')[0] is not ("bin" or "obj"));

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"^using (?:static )?Loadline\.(?<project>\w+)\.(?<folder>[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Usings();

    [GeneratedRegex(@"^(?:[a-z]+ )+(?:class|struct|interface|enum|record|delegate [\w<>?,]+) (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex Declarations();
}
