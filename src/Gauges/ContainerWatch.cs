using System.Globalization;
using System.Text.RegularExpressions;

namespace Loadline.Gauges;

/// <summary>
/// Finds the cgroup of a container on this machine as a container engine makes it, and reads it from its first moment on. The engine's own statistics
/// come once a second, and its word that the kernel killed something may be lost where that was in the container's first milliseconds.
/// </summary>
/// <remarks>
/// Whatever names the cgroup, cgroupfs or systemd, Docker or Podman, puts the container's id into it. Where engines keep them is known for the usual
/// ones; elsewhere the cgroup is found by the container's first process, once that is known.
/// </remarks>
internal sealed partial class ContainerWatch : IDisposable
{
    /// <summary>Said of a program that was too short to be read.</summary>
    public const string EndedFirst = "the program ended before its cgroup could be read";

    /// <summary>As in /docker/ID and /system.slice/docker-ID.scope.</summary>
    private static readonly string[] Parents = ["docker", "system.slice", "machine.slice", "libpod_parent"];

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    /// <summary>Each takes a thread; on a machine where more containers start at once, a container that is not among them is found by its process.</summary>
    private const int MostFresh = 32;

    /// <summary>From the creation of a container to its start; who never says which one it was does not keep a thread for ever.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly bool _reportsItself;
    private readonly Action<MemorySample>? _onReading;
    private readonly string _root;
    private readonly string? _id;
    private readonly ManualResetEventSlim _found = new();
    private readonly Dictionary<string, CgroupWatch> _fresh = [];
    private readonly Thread? _thread;
    private CgroupWatch? _watch;
    private int _seen;

    private ContainerWatch(string? id, bool reportsItself, string root, Action<MemorySample>? onReading)
    {
        (_id, _reportsItself, _root, _onReading) = (id, reportsItself, root, onReading);
        if (PlacesOf(root) is not { } places) return;
        var known = id is null ? places.Fresh().ToHashSet() : [];
        _thread = new Thread(() => Look(places, known)) { IsBackground = true, Name = nameof(ContainerWatch) };
        _thread.Start();
    }

    /// <summary>Why nothing can be read; null where something can.</summary>
    public string? WhyUnread { get; private set; }

    /// <summary>How many cgroups are being read.</summary>
    internal int Seen => Volatile.Read(ref _seen);

    /// <summary>What was seen until now.</summary>
    public CgroupPeaks Peaks => _watch?.Peaks ?? new CgroupPeaks(null, null);

    /// <summary>What was seen by class, once it stopped; null where nothing was.</summary>
    public MemoryTrace? Trace => _watch?.Trace;

    /// <summary>Begins to look for the cgroup of a container that is about to be started.</summary>
    /// <param name="id">The container's; null where it has none yet: then all that are started until <see cref="Attach"/> are read.</param>
    /// <param name="reportsItself">See <see cref="CgroupWatch.Start(CgroupMemory, bool, Action{MemorySample})"/>.</param>
    /// <param name="root">As for <see cref="CgroupMemory.Open"/>.</param>
    /// <param name="onReading">Gets each reading, on a thread of the watch's own; for a container whose id is given.</param>
    public static ContainerWatch Begin(string? id = null, bool reportsItself = false, string root = "", Action<MemorySample>? onReading = null) =>
        new(id, reportsItself, root, onReading);

    /// <summary>Says which container it is, once that was started.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="pid">Of its first process, as the engine names it; 0 where it has ended.</param>
    public void Attach(string id, long pid)
    {
        _found.Set();
        _thread?.Join();
        if (!_fresh.Remove(id, out _watch)) (_watch, WhyUnread) = ByProcess(id, pid);
        DropOthers();
    }

    /// <summary>Takes a last reading and returns what was seen.</summary>
    public CgroupPeaks Stop()
    {
        _ = _watch?.Stop();
        if (Peaks.AnonymousBytes is null) WhyUnread ??= EndedFirst;
        return Peaks;
    }

    /// <summary>Ends the readings.</summary>
    public void Dispose()
    {
        _found.Set();
        _thread?.Join();
        _watch?.Dispose();
        DropOthers();
        _found.Dispose();
    }

    private void DropOthers()
    {
        foreach (var other in _fresh.Values) other.Dispose();
        _fresh.Clear();
    }

    private static Places? PlacesOf(string root)
    {
        try
        {
            return CgroupHierarchy.Find(root) is { } own ? new Places(own.Version, own.Folders[^1]) : null;
        }
        catch (GaugeException)
        {
            // What cannot be read from here is said once the container runs.
            return null;
        }
    }

    private void Look(Places places, HashSet<string> known)
    {
        ForemostThread.Claim();
        var began = Environment.TickCount64;
        do
        {
            foreach (var folder in (_id is null ? places.Fresh() : places.Of(_id)).Where(known.Add))
            {
                if (!TryStart(places.Version, folder)) known.Remove(folder);
                else if (_id is not null) return;
            }
        }
        while (!_found.Wait(Pause) && Environment.TickCount64 - began < Patience.TotalMilliseconds);

        if (!_found.IsSet) DropOthers();
    }

    private bool TryStart(int version, string folder)
    {
        // An engine may make a second cgroup for the same container, beside the one that holds it.
        if (_fresh.Count == MostFresh || IdIn(folder) is not { } id || _fresh.ContainsKey(id)) return true;
        try
        {
            _fresh.Add(id, CgroupWatch.Start(CgroupMemory.OpenAt(version, folder), _reportsItself, _onReading));
            Volatile.Write(ref _seen, _fresh.Count);
            return true;
        }
        catch (Exception e) when (e is GaugeException or IOException or UnauthorizedAccessException)
        {
            // Its files come after it, and in version 2 the controller's last.
            return false;
        }
    }

    private (CgroupWatch? Watch, string? WhyNot) ByProcess(string id, long pid)
    {
        // Engines keep no process id of a container that has ended.
        if (pid == 0) return (null, EndedFirst);
        try
        {
            // The whole container, not the part of it that its first process may have moved to. The engine may run on another machine or in another PID namespace,
            // where the same number is somebody else's.
            var hierarchy = CgroupHierarchy.Find(_root, pid.ToString(CultureInfo.InvariantCulture));
            return hierarchy?.Folders.LastOrDefault(folder => Path.GetFileName(folder).Contains(id, StringComparison.Ordinal)) is { } whole
                ? (CgroupWatch.Start(CgroupMemory.OpenAt(hierarchy.Version, whole), _reportsItself, _onReading), null)
                : (null, "the Engine's processes cannot be seen from here: run it on the Engine's machine");
        }
        catch (Exception e) when (e is GaugeException or IOException or UnauthorizedAccessException)
        {
            return (null, $"the container's cgroup cannot be read from here: {e.Message}");
        }
    }

    /// <summary>The id of the container that a cgroup holds; null of any other, such as libpod-conmon-ID.scope, in which Podman's monitor runs.</summary>
    private static string? IdIn(string folder) => Holder().Match(Path.GetFileName(folder)) is { Success: true } match ? match.Groups["id"].Value : null;

    [GeneratedRegex(@"^(docker-|libpod-)?(?<id>[0-9a-f]{64})(\.scope)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Holder();

    /// <summary>Where engines make their cgroups.</summary>
    private sealed record Places(int Version, string Top)
    {
        public IEnumerable<string> Of(string id) => new[] { $"docker/{id}", $"system.slice/docker-{id}.scope", $"machine.slice/libpod-{id}.scope", $"libpod_parent/libpod-{id}" }
            .Select(place => Path.Join(Top, place)).Where(Directory.Exists);

        public IReadOnlyList<string> Fresh() => [.. Parents.SelectMany(parent => Below(Path.Join(Top, parent))).Where(folder => IdIn(folder) is not null)];

        private static string[] Below(string parent)
        {
            try
            {
                return Directory.GetDirectories(parent);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // No engine keeps its cgroups there, or the last of them has just gone.
                return [];
            }
        }
    }
}
