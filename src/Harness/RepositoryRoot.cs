namespace Loadline.Harness;

/// <summary>The clone that this program was built in.</summary>
internal static class RepositoryRoot
{
    /// <summary>The nearest folder above the program that holds Harness.sln; null for an installed tool.</summary>
    public static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Harness.sln"))) return folder.FullName;
        }

        return null;
    }
}
