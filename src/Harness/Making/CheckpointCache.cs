using Loadline.Gauges;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Making;

/// <summary>Generated checkpoints, made once and kept on a real disk.</summary>
/// <param name="folder">Where they are kept.</param>
/// <param name="maker">Makes what is missing.</param>
internal sealed class CheckpointCache(string folder, ICheckpointMaker maker)
{
    /// <summary>Names another folder.</summary>
    public const string Variable = "LOADLINE_CACHE";

    /// <summary><c>artifacts/checkpoints</c> of the repository, else of the current folder, unless <see cref="Variable"/> names another.</summary>
    public static string DefaultFolder() =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named
            ? Path.GetFullPath(named)
            : Path.Combine(RepositoryRoot.Find() ?? Directory.GetCurrentDirectory(), "artifacts", "checkpoints");

    /// <summary>Gives the checkpoint's absolute path; a generated one is made where it is not there, whole, with its digests.</summary>
    /// <exception cref="InputException">There is no such path or no such model.</exception>
    /// <exception cref="IOException">The folder lies in memory, or cannot be written.</exception>
    public string Provide(CheckpointSource source, string budgetsPath, Action<double> progress, CancellationToken cancellation)
    {
        var place = $"{budgetsPath}:{source.Line}: checkpoint '{source.Name}'";
        if (source is CheckpointAt at) return Path.Exists(at.Path) ? at.Path : throw new InputException($"{place}: there is nothing at {at.Path}");

        var recipe = ((GeneratedCheckpoint)source).Recipe;
        if (!maker.Models.Contains(recipe.Model))
        {
            throw new InputException($"{place}: unknown model '{recipe.Model}': known are {string.Join(", ", maker.Models)}");
        }

        var path = Path.Combine(folder, recipe.FileName);
        if (Path.Exists(path) && File.Exists(path + ".digests.json")) return path;
        RefuseMemory();
        Directory.CreateDirectory(folder);
        maker.Make(recipe, path, sparse: false, progress, cancellation);
        return path;
    }

    /// <summary>Files on a tmpfs are charged to whoever touches them and cannot be evicted: every measurement would be wrong.</summary>
    private void RefuseMemory()
    {
        if (MemoryFileSystem.Of(folder) is { } fileSystem)
        {
            throw new IOException($"{folder}: is on {fileSystem}, where files are memory; set {Variable} to a folder on a disk");
        }
    }
}
