using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;

namespace Loadline.Harness.Commands;

/// <summary>The files that a command is to write, asked before it does anything that takes time.</summary>
internal static class OutputTargets
{
    /// <summary>Refuses those that cannot be written; null is none.</summary>
    /// <exception cref="InputException">One is a folder.</exception>
    /// <exception cref="IOException">One cannot be written.</exception>
    public static void RefuseUnwritable(params ReadOnlySpan<string?> targets)
    {
        var paths = new HashSet<(string? Folder, string Name)>();
        foreach (var target in targets)
        {
            if (target is null) continue;
            if (Directory.Exists(target)) throw new InputException($"{target}: is a folder: name a file in it");
            WholeFile.RefuseUnwritable(target);
            if (!paths.Add(Place(target))) throw new InputException($"{target}: two files of one name would be one: name another for one of them");
        }
    }

    /// <summary>Whether what is written to a target takes the place of what is read.</summary>
    public static bool AreOne(string read, string target) => Place(read) == Place(target)
        || (new FileInfo(target).LinkTarget is null && FileIdentity.Of(read)?.File is { } file && file == FileIdentity.Of(target)?.File);

    // By the folder that stands there: a link may lead to it by another name.
    private static (string? Folder, string Name) Place(string target)
    {
        var whole = Path.GetFullPath(target);
        return (FileIdentity.Of(Path.GetDirectoryName(whole)!)?.File, Path.GetFileName(whole));
    }

    /// <summary>Refuses what would cost another file. A link gives way to what is written, and nothing behind it is lost, looked at, or there at all.</summary>
    /// <param name="target">What is to be written; null is none.</param>
    /// <param name="isOne">Whether a file is of the same kind, and may be replaced.</param>
    /// <param name="what">As in "holds no results", of what is not.</param>
    /// <exception cref="InputException">Something else stands there.</exception>
    public static void RefuseOther(string? target, Func<string, bool> isOne, string what)
    {
        if (target is null || !File.Exists(target) || new FileInfo(target).LinkTarget is not null) return;
        if (!IsOne(target, isOne)) throw new InputException($"{target}: is there and {what}: name another file");
    }

    private static bool IsOne(string target, Func<string, bool> isOne)
    {
        try
        {
            return isOne(target);
        }
        // Removed since, or made another: nothing is lost of what is not there.
        catch (Exception e) when (e is FileNotFoundException or CheckpointException { Error: CheckpointError.NotFound })
        {
            return true;
        }
        catch (CheckpointException e)
        {
            throw new InputException($"{e.Message}: name another file");
        }
    }
}
