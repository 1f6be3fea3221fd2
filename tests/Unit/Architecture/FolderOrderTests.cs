using System.Reflection;

namespace Loadline.Unit.Architecture;

/// <summary>Between the folders of a project there is an order, which a line of its README says: no folder uses what stands right of it.</summary>
public sealed class FolderOrderTests
{
    /// <summary>The projects that have folders.</summary>
    public static TheoryData<string> Projects => new(
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Select(project => Path.GetFileName(Path.GetDirectoryName(project)!))
            .Where(project => FolderOrder.FoldersOf(project).Any(folder => folder != "."))
            .Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Projects))]
    public void No_folder_of_a_project_uses_what_stands_right_of_it(string project) =>
        FolderOrder.Of(project).Violations(Assembly.Load(project == "Harness" ? "loadline" : $"Loadline.{project}").GetTypes()).Should().BeEmpty();

    [Theory]
    [MemberData(nameof(Projects))]
    public void The_order_names_each_folder_once(string project) =>
        FolderOrder.Of(project).Folders.Where(folder => folder != ".").Should().BeEquivalentTo(FolderOrder.FoldersOf(project).Where(folder => folder != "."));
}
