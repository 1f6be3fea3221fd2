using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

/// <summary>A cgroup under a limit, made where this process may make one.</summary>
internal sealed class ScratchCgroup : IDisposable
{
    private readonly List<string> _folders = [];

    /// <summary>Where to put a process.</summary>
    public string Folder => _folders[^1];

    /// <summary>Makes one, or says why not. The limit is on the cgroup itself, or on its parent alone.</summary>
    public static bool TryCreate(long limitBytes, bool onTheParent, [NotNullWhen(true)] out ScratchCgroup? cgroup, out string why)
    {
        (cgroup, why) = (null, "no cgroup counts this process's memory");
        try
        {
            var hierarchy = CgroupHierarchy.Find("");
            // Version 2 gives the controller only to children of cgroups without processes, and of the root: so try the ancestors too.
            foreach (var ancestor in hierarchy?.Folders ?? [])
            {
                cgroup = new ScratchCgroup();
                if (cgroup.TryMake(ancestor, hierarchy!.Version, limitBytes, onTheParent)) return true;
                cgroup.Dispose();
                why = $"a cgroup in {ancestor} gets no memory controller";
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or GaugeException)
        {
            cgroup?.Dispose();
            why = $"no cgroup can be made: {e.Message}";
        }

        cgroup = null;
        return false;
    }

    public void Dispose()
    {
        foreach (var folder in _folders.AsEnumerable().Reverse()) Directory.Delete(folder);
        _folders.Clear();
    }

    private bool TryMake(string ancestor, int version, long limitBytes, bool onTheParent)
    {
        Make(Path.Join(ancestor, "loadline-gauges-" + Path.GetRandomFileName()));
        var limit = Path.Join(Folder, version == 1 ? "memory.limit_in_bytes" : "memory.max");
        if (!File.Exists(limit)) return false;
        File.WriteAllText(limit, limitBytes.ToString(CultureInfo.InvariantCulture));
        if (!onTheParent) return true;
        if (version == 2) File.WriteAllText(Path.Join(Folder, "cgroup.subtree_control"), "+memory");
        Make(Path.Join(Folder, "inner"));
        return true;
    }

    private void Make(string folder)
    {
        Directory.CreateDirectory(folder);
        _folders.Add(folder);
    }
}
