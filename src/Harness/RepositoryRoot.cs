namespace Loadline.Harness;

/// <summary>The clone that this program was built in.</summary>
internal static class RepositoryRoot
{
    /// <summary>
    /// The nearest folder above the program that holds Harness.sln; null for an installed tool, and below a folder of all, as /tmp, where anybody could put such a file.
    /// </summary>
    public static string? Find() => Find(AppContext.BaseDirectory);

    /// <summary>The same of another folder.</summary>
    public static string? Find(string from)
    {
        for (var folder = new DirectoryInfo(from); folder is not null && !IsEverybodys(folder); folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Harness.sln"))) return folder.FullName;
        }

        return null;
    }

    // As /tmp. Where all may write and nothing keeps them from another's files, they could replace the program itself.
    private static bool IsEverybodys(DirectoryInfo folder) => folder.UnixFileMode.HasFlag(UnixFileMode.OtherWrite | UnixFileMode.StickyBit);
}
