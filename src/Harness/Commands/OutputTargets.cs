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
        var paths = new HashSet<string>();
        foreach (var target in targets)
        {
            if (target is null) continue;
            if (!paths.Add(Path.GetFullPath(target))) throw new InputException($"{target}: two files of one name would be one: name another for one of them");
            if (Directory.Exists(target)) throw new InputException($"{target}: is a folder: name a file in it");
            WholeFile.RefuseUnwritable(target);
        }
    }
}
