using Loadline.Checkpoints.Files;
using Loadline.Harness.Runtimes;

namespace Loadline.Harness.Making;

/// <summary>
/// Names for checkpoints until they are complete. They carry their owner, as containers and cgroups do: what a killed harness left half-written can be
/// told from what one beside us is writing. The rest of the name nobody can guess, and put a link there.
/// </summary>
internal static class PendingCheckpoints
{
    /// <summary>A name beside the final one, for this process; what processes that are gone left in that folder, for whatever target, is removed.</summary>
    public static string Begin(string target)
    {
        var whole = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        foreach (var left in LeftIn(Path.GetDirectoryName(whole)!)) Remove(left);
        return PendingPath.NameBeside(whole, $".{Owner.Self}");
    }

    /// <summary>
    /// Removes what a process that is gone left under the name, file or folder of files. A folder whose name is only made like ours stays, and so does another user's,
    /// in a folder of all: theirs to remove.
    /// </summary>
    public static void Remove(string pending)
    {
        try
        {
            Unfinished.Remove(pending);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static List<string> LeftIn(string folder) => Directory.Exists(folder)
        ? [.. Directory.EnumerateFileSystemEntries(folder, "*" + PendingPath.Extension).Where(path => OwnerIn(Path.GetFileName(path)) is { Lives: false })]
        : [];

    // The words of the name before the random one.
    private static Owner? OwnerIn(string name) => name[..^PendingPath.Extension.Length].Split('.') is [_, .., var boot, var space, var pid, var start, _]
        ? Owner.TryParse($"{boot}.{space}.{pid}.{start}")
        : null;
}
