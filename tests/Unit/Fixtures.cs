namespace Loadline.Unit;

/// <summary>The files in tests/Fixtures, made by real PyTorch.</summary>
internal static class Fixtures
{
    public static string Folder { get; } = System.IO.Path.Combine(Repository.Root, "tests", "Fixtures");

    public static string Path(string name) => System.IO.Path.Combine(Folder, name);
}

/// <summary>Where this repository is checked out.</summary>
internal static class Repository
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string folder) => File.Exists(System.IO.Path.Combine(folder, "Harness.sln"))
        ? folder
        : Find(Directory.GetParent(folder)?.FullName ?? throw new DirectoryNotFoundException($"no Harness.sln above {AppContext.BaseDirectory}"));
}
