using Loadline.Harness.Runtimes;

namespace Loadline.Harness.Making;

/// <summary>
/// Names for checkpoints until they are complete. They carry their owner, as containers and cgroups do: what a killed harness left half-written can be
/// told from what one beside us is writing.
/// </summary>
internal static class PendingCheckpoints
{
    private const string Extension = ".partial";

    /// <summary>A name beside the final one, for this process; what processes that are gone left there is removed.</summary>
    public static string Begin(string target)
    {
        var whole = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        foreach (var left in LeftBeside(whole)) Remove(left);
        return $"{whole}.{Owner.Self}{Extension}";
    }

    /// <summary>Removes what stands under the name, file or folder.</summary>
    public static void Remove(string pending)
    {
        if (Directory.Exists(pending)) Directory.Delete(pending, recursive: true);
        else File.Delete(pending);
    }

    private static List<string> LeftBeside(string whole)
    {
        var folder = Path.GetDirectoryName(whole)!;
        if (!Directory.Exists(folder)) return [];
        var start = Path.GetFileName(whole) + ".";
        return [.. Directory.EnumerateFileSystemEntries(folder, start + "*" + Extension).Where(path => OwnerIn(Path.GetFileName(path), start) is { Lives: false })];
    }

    private static Owner? OwnerIn(string name, string start) =>
        name.Length > start.Length + Extension.Length ? Owner.TryParse(name[start.Length..^Extension.Length]) : null;
}
