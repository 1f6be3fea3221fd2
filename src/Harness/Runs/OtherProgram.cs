using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Harness.Runtimes.Choosing;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Harness.Runs;

/// <summary>A program of anybody's, as a command line names it behind <c>--</c>. It is run as a case is, and read from outside.</summary>
internal sealed record OtherProgram
{
    private const int NameChars = 80;

    // A curve refuses names of more than 200.
    private const int MostEscaped = 160;

    /// <summary>The program and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>The image it runs in; null runs it on this machine, in a bare cgroup.</summary>
    public string? Image { get; init; }

    /// <summary>Files and folders that the container sees, read-only, by their absolute paths. On this machine all is there.</summary>
    public IReadOnlyList<string> Mounts { get; init; } = [];

    /// <summary>How many GPUs a container gets.</summary>
    public int Gpus { get; init; }

    /// <summary>From where on it is slowed down; null nowhere.</summary>
    public long? HighBytes { get; init; }

    /// <summary>When it is ended.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Where it is started from: relative paths mean what they mean to whoever types them.</summary>
    public string Folder { get; init; } = Environment.CurrentDirectory;

    /// <summary>Its command line, cut to what a sentence can hold.</summary>
    public string Name => NameOf(string.Join(' ', Command));

    /// <summary>The runtime that can run it: images need Docker, programs of this machine a cgroup.</summary>
    public string RuntimeName => Image is null ? CgroupRuntime.RuntimeName : DockerRuntime.RuntimeName;

    /// <summary>A name on one line that a sentence, a table and a picture can hold.</summary>
    public static string NameOf(string text)
    {
        // What cannot be seen is longer once it is written out.
        var name = PrintableText.Escape(text.Length > NameChars ? text[..NameChars] + "…" : text);
        return name.Length > MostEscaped ? name[..MostEscaped] + "…" : name;
    }

    /// <summary>Why a runtime that somebody asked for cannot run it; null where it can.</summary>
    /// <param name="asked">A name of <see cref="RuntimeChooser.Names"/>.</param>
    public string? WhyNot(string asked) => Command.FirstOrDefault(word => word.Contains('\ufffd')) is { } word
        ? $"the word '{PrintableText.Shorten(word, NameChars)}' has bytes that are no UTF-8, or stands for such: the program would get others"
        : Folder.Contains('\ufffd') ? "the current folder has bytes in its name that are no UTF-8, or stands for such: the program would not start there"
        : asked == RuntimeChooser.Auto || asked == RuntimeName ? null
        : Image is null ? $"--runtime {asked} needs an image to run a program in: give --image" : $"--runtime {asked} has no images: leave it out, or --image";

    /// <summary>The case that is judged and shown.</summary>
    public BudgetCase Case(long capBytes) => new()
    {
        Name = Name,
        Checkpoint = "",
        CapBytes = capBytes,
        Image = Image,
        Gpus = Gpus == 0 ? null : Gpus,
        Why = "asked for",
        Timeout = Timeout,
        Command = [.. Command],
    };

    /// <summary>What the runtime runs.</summary>
    public ContainerSpec Spec(long capBytes, Action<string>? onErrorLine = null) => new()
    {
        Command = Command,
        IsOther = true,
        CapBytes = capBytes,
        HighBytes = HighBytes,
        Image = Image,
        Mounts = Mounts,
        Gpus = Gpus,
        Timeout = Timeout,
        OnErrorLine = onErrorLine,
        InheritsEnvironment = Image is null,
        // In an image the folder is there only as a part of what is mounted.
        Folder = Image is null || Mounts.Any(mount => IsWithin(Folder, mount)) ? Folder : null,
    };

    /// <summary>Runs it to its end.</summary>
    /// <param name="runtime">One that can.</param>
    /// <param name="capBytes">The hard limit of RAM.</param>
    /// <param name="onLine">Gets the lines of its standard output.</param>
    /// <param name="onErrorLine">Gets those of its standard error.</param>
    /// <param name="cancellation">Ends it and leaves nothing of it.</param>
    /// <exception cref="RuntimeException">It could not be run at all.</exception>
    public Task<CaseRun> RunAsync(
        IContainerRuntime runtime, long capBytes, Action<string>? onLine = null, Action<string>? onErrorLine = null, CancellationToken cancellation = default) =>
        new CaseRunner(runtime).RunAsync(Case(capBytes), Spec(capBytes, onErrorLine), EvictFiles(), onEvent: null, cancellation, onLine);

    /// <summary>
    /// Drops the pages of all files that its command line and its mounts name: what lies in the page cache before it begins is charged to somebody else, and its
    /// cap would seem to hold what it never paid for.
    /// </summary>
    /// <returns>Whether none is left; null where it names no file, or one that cannot be looked into.</returns>
    private bool? EvictFiles()
    {
        // As in "model.bin" and "--model=model.bin".
        var words = Command.Skip(1).SelectMany(word => new[] { word, word[(word.IndexOf('=') + 1)..] }).Where(word => word.Length > 0 && !word.Contains('\0'));
        var files = words.Select(word => Path.GetFullPath(word, Folder)).Concat(Mounts).Where(File.Exists).Distinct().ToList();
        if (files.Count == 0) return null;
        try
        {
            return files.Select(file => PageCache.Evict(file).IsCold).ToList().TrueForAll(cold => cold);
        }
        catch (Exception e) when (e is GaugeException or CheckpointException)
        {
            return null;
        }
    }

    private static bool IsWithin(string folder, string mount) => folder == mount || folder.StartsWith(mount.TrimEnd('/') + "/", StringComparison.Ordinal);
}
