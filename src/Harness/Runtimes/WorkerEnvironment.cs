namespace Loadline.Harness.Runtimes;

/// <summary>The variables a program runs with under a cap.</summary>
internal static class WorkerEnvironment
{
    /// <summary>
    /// Settings of .NET that make the worker's own memory small and the same in every run and on every machine. Measured with a worker that allocates
    /// 20 MB/s of short-lived objects, on a machine with 32 MiB of L3: 25.4 MiB anonymous without them, 7.9 ± 0.1 MiB with them.
    /// </summary>
    public static readonly IReadOnlyDictionary<string, string> Runtime = new Dictionary<string, string>
    {
        // Hexadecimal, 1 MiB. Else the collector first runs after as much as the L3 cache holds, which differs from machine to machine.
        ["DOTNET_GCgen0size"] = "100000",
        ["DOTNET_gcServer"] = "0",
        ["DOTNET_gcConcurrent"] = "0",
        // The worker is compiled ahead of time; a second compilation in the background takes 1 MiB at a moment that nobody can foretell.
        ["DOTNET_TieredCompilation"] = "0",
        // No pipe in /tmp for debuggers, and no thread that serves it.
        ["DOTNET_EnableDiagnostics"] = "0",
        ["DOTNET_PerfMapEnabled"] = "0",
        // libtorch takes its memory from malloc. Once a block is freed, glibc keeps blocks of its size, up to 32 MiB, for the next; a fixed threshold gives them back.
        ["MALLOC_MMAP_THRESHOLD_"] = "262144",
    };

    /// <summary>A run's variables: for the worker the settings above, then what the spec asks for, which may overrule them.</summary>
    public static IReadOnlyDictionary<string, string> For(ContainerSpec spec)
    {
        var all = spec.IsWorker ? new Dictionary<string, string>(Runtime) : [];
        foreach (var (name, value) in spec.Environment) all[name] = value;
        return all;
    }
}
