namespace Loadline.Unit;

/// <summary>Where this repository is checked out.</summary>
internal static class Repository
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string folder) => File.Exists(Path.Combine(folder, "Harness.sln"))
        ? folder
        : Find(Directory.GetParent(folder)?.FullName ?? throw new DirectoryNotFoundException($"no Harness.sln above {AppContext.BaseDirectory}"));
}
