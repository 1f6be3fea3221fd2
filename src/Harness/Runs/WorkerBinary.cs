using Loadline.Harness.Runtimes;

namespace Loadline.Harness.Runs;

/// <summary>The published worker, which runs where there is no .NET.</summary>
internal static class WorkerBinary
{
    /// <summary>Names the file, whatever else is there.</summary>
    public const string Variable = "LOADLINE_WORKER";

    /// <summary>The worker that <see cref="Variable"/> names, else the repository's in <c>artifacts/worker</c>, else one beside this program.</summary>
    /// <exception cref="RuntimeException">There is none.</exception>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return File.Exists(named) ? Path.GetFullPath(named) : throw new RuntimeException($"{Variable} names {named}, but there is no such file");
        }

        string?[] candidates =
        [
            RepositoryRoot.Find() is { } root ? Path.Combine(root, "artifacts", "worker", ContainerSpec.Worker) : null,
            Path.Combine(AppContext.BaseDirectory, ContainerSpec.Worker),
        ];
        return Array.Find(candidates, File.Exists) ?? throw new RuntimeException(
            $"the worker is not built: run `dotnet publish src/Worker -o artifacts/worker`, or let {Variable} name it");
    }
}
