namespace Loadline.Harness.Runtimes;

/// <summary>The variables a program runs with under a cap.</summary>
internal static class WorkerEnvironment
{
    /// <summary>Settings of .NET that make the worker's own memory small and the same in every run.</summary>
    public static readonly IReadOnlyDictionary<string, string> Runtime = new Dictionary<string, string>
    {
        ["DOTNET_gcServer"] = "0",
        ["DOTNET_gcConcurrent"] = "0",
        ["DOTNET_EnableDiagnostics"] = "0",
        ["DOTNET_PerfMapEnabled"] = "0",
    };

    /// <summary>A run's variables: for the worker the settings above, then what the spec asks for, which may overrule them.</summary>
    public static IReadOnlyDictionary<string, string> For(ContainerSpec spec)
    {
        var all = spec.Command[0] == ContainerSpec.Worker ? new Dictionary<string, string>(Runtime) : [];
        foreach (var (name, value) in spec.Environment) all[name] = value;
        return all;
    }
}
