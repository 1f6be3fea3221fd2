using System.Diagnostics;
using Loadline.Checkpoints;
using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>How a program is started inside a cgroup.</summary>
internal static class CgroupStart
{
    private const string Shell = "/bin/sh";

    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    // Of util-linux and of busybox.
    private static readonly string? SessionLeader = OnPath("setsid");

    private static readonly string? EnvironmentSetter = OnPath("env");

    private const int MostNameChars = 200;

    private const string BashFunction = "BASH_FUNC_";

    // Of dash and bash: set by the shell itself, told to it by the variable, or an error where the value is none that it likes.
    private static readonly string[] ShellsOwn = ["IFS", "OPTIND", "PPID", "LINENO", "SHELLOPTS", "BASHOPTS", "UID", "EUID"];

    /// <summary>The shell's exit code when the kernel did not take it into the cgroup.</summary>
    public const int NotEnrolled = 125;

    /// <summary>
    /// A shell enrols itself and then becomes the program: from its first page on the program is charged to the cgroup, and no moment is left in
    /// which it runs outside. The cgroup's directory is the shell's $0, so that the program's own variables stay as they are.
    /// </summary>
    private const string Enrol = """echo $$ > "$0/cgroup.procs" || exit 125; exec "$@" """;

    // All that would end it, real-time ones among them, by numbers, as shells differ in names: but what nothing keeps off (9, 19), what ends nothing, or stops
    // only (17, 18, 20 to 23, 28), and what is the C library's own (32, 33). Source: signal(7).
    private static readonly string Trap = $"trap : {string.Join(' ', Enumerable.Range(1, 64).Except([9, 17, 18, 19, 20, 21, 22, 23, 28, 32, 33]))}\n";

    /// <summary>
    /// Around that, for programs that do not tell it themselves, another shell, outside the cgroup, of which <see cref="ShellAccount"/> reads what they read from the
    /// disk, and how they ended. It turns in a loop until the harness ends it, or is gone itself: whatever it could wait for, a program could have come.
    /// (And for some minutes at most: the number of a harness that is gone may be another process's by then.)
    /// What it needs is open before the program runs, which may have it open nothing afterwards (prlimit). Shells tell of children that signals ended; this one's own
    /// standard error goes nowhere, and the program gets its back inside: around the command dash would still tell. What a program does to its process group reaches
    /// this one as well, and is not meant for it; to the program a trap is none. Until the program has ended no variable is set, which might be one of its own.
    /// </summary>
    /// <param name="output">A descriptor that keeps the program's standard output meanwhile, and one that the program has no use for.</param>
    /// <param name="error">The same for its standard error.</param>
    private static string Account(int output, int error) =>
        Trap
        + "( : > /proc/$$/comm ) || { echo \"$0: /proc/$$/comm cannot be written\" >&2; exit 125; }\n"
        + $"exec {output}>&1 {error}>&2 > /proc/$$/comm 2> /dev/null\n"
        + $"/bin/sh -c 'exec >&{output} 2>&{error} {output}>&- {error}>&-; {Enrol}' \"$0\" \"$@\"\n"
        + "code=$?\n"
        + "printf '" + ShellAccount.HasEnded + "%s" + ShellAccount.EndMark + "' $code; left=60000000; while [ $left -gt 0 ] && kill -0 $PPID; do left=$((left - 1)); done\n"
        + "exit $code";

    /// <summary>Of the harness's own variables, those that say where things are; others would make runs differ from user to user.</summary>
    private static readonly string[] Inherited = ["PATH", "HOME", "LD_LIBRARY_PATH", Libtorch.Variable, "VIRTUAL_ENV", "CONDA_PREFIX", "NUGET_PACKAGES"];

    /// <summary>The shell's start but for the cgroup's directory, which <see cref="In"/> adds.</summary>
    /// <exception cref="RuntimeException">The program is not there.</exception>
    public static ProcessStartInfo Of(ContainerSpec spec, string workerPath)
    {
        BrokenPipes.EndPrograms();
        // In a session of its own where there is a program for that: what it does to its process group it would do to the harness.
        var start = new ProcessStartInfo(SessionLeader ?? Shell)
        {
            WorkingDirectory = spec.Folder ?? "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (SessionLeader is not null) start.ArgumentList.Add(Shell);
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(spec.IsWatched ? Account(OwnDescriptors.First, OwnDescriptors.Second) : Enrol);
        if (!spec.InheritsEnvironment)
        {
            start.Environment.Clear();
            foreach (var name in Inherited) start.Environment[name] = Environment.GetEnvironmentVariable(name);
        }

        // Like a container, a run sees the GPUs that it asks for and no others.
        if (!spec.InheritsEnvironment || spec.Gpus > 0)
            start.Environment["CUDA_VISIBLE_DEVICES"] = Visible(Nvidia.Here, spec.Gpus, Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES"));
        foreach (var (name, value) in WorkerEnvironment.For(spec)) start.Environment[name] = value;

        var program = ProgramOf(spec, workerPath);
        AddPastShells(start, program);
        start.ArgumentList.Add(program);
        foreach (var argument in spec.Command.Skip(1)) start.ArgumentList.Add(argument);
        return start;
    }

    /// <summary>Adds the directory of the cgroup.</summary>
    public static ProcessStartInfo In(this ProcessStartInfo start, Cgroup cgroup)
    {
        // Behind -c and what it runs.
        start.ArgumentList.Insert(start.ArgumentList.IndexOf("-c") + 2, cgroup.Folder);
        return start;
    }

    /// <summary>The first GPUs of those that the harness itself may see, as CUDA's variable names them.</summary>
    /// <param name="nvidia">What the driver shows.</param>
    /// <param name="gpus">How many a run asks for.</param>
    /// <param name="own">The harness's own variable, which a scheduler sets; null shows it all.</param>
    /// <exception cref="RuntimeException">There are not so many.</exception>
    internal static string Visible(Nvidia nvidia, int gpus, string? own)
    {
        if (gpus > 0 && nvidia.WhyNot(gpus) is { } whyNot) throw new NoGpuException($"cgroup: {whyNot}");
        var names = own?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [.. Enumerable.Range(0, gpus).Select(i => $"{i}")];
        return gpus <= names.Length
            ? string.Join(',', names.Take(gpus))
            : throw new NoGpuException($"cgroup: {gpus} GPUs are asked for, and CUDA_VISIBLE_DEVICES={own} shows {names.Length}");
    }

    // Variables that shells keep for themselves, and bash's functions, which another shell does not hand on: env sets them, and becomes the program. Others that are
    // no names to a shell stay behind: a command line is everybody's to read, and they may be secrets.
    private static void AddPastShells(ProcessStartInfo start, string program)
    {
        if (EnvironmentSetter is null || program.Contains('=')) return;
        var variables = start.Environment.Where(variable => ShellsOwn.Contains(variable.Key) || variable.Key.StartsWith(BashFunction, StringComparison.Ordinal)).ToList();
        if (variables.Count == 0) return;
        start.ArgumentList.Add(EnvironmentSetter);
        start.ArgumentList.Add("--");
        foreach (var (name, value) in variables)
        {
            start.Environment.Remove(name);
            start.ArgumentList.Add($"{name}={value}");
        }
    }

    // Looked up here, because the shell's own "not found" is an exit code that programs use too.
    private static string ProgramOf(ContainerSpec spec, string workerPath)
    {
        var name = spec.Command[0];
        if (spec.IsWorker)
        {
            if (File.Exists(workerPath)) return Path.GetFullPath(workerPath);
            throw new RuntimeException($"cgroup: there is no worker at {workerPath}: build it first");
        }

        var shown = PrintableText.Escape(PrintableText.Shorten(name, MostNameChars));
        // As typed, where it is a path: the program starts in the folder that it is looked for in.
        var typed = name.Contains('/') ? Path.GetFullPath(name, spec.Folder ?? "/") : null;
        var path = (typed is null ? OnPath(name) : File.Exists(typed) ? typed : null) ?? throw new NoProgramException($"cgroup: there is no program '{shown}' on this machine");
        return IsExecutable(path)
            ? typed is null ? path : name.StartsWith('-') ? "./" + name : name
            : throw new NoProgramException($"cgroup: '{shown}' may not be executed: chmod +x it, or name what runs it, as in python3 {shown}");
    }

    // As a shell does, the first that may be executed; or the first of all, of which it is said that it may not.
    private static string? OnPath(string name)
    {
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Join(folder, name)).Where(File.Exists).ToList();
        return found.Find(IsExecutable) ?? found.FirstOrDefault();
    }

    private static bool IsExecutable(string path) => OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & Executable) != 0;
}
