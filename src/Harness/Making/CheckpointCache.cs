using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Gauges;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Making;

/// <summary>Generated checkpoints, made once and kept on a real disk.</summary>
/// <param name="folder">Where they are kept.</param>
/// <param name="maker">Makes what is missing.</param>
/// <param name="memoryOf">The file system in memory that a path lies on, null for a disk; null takes what the kernel says.</param>
internal sealed class CheckpointCache(string folder, ICheckpointMaker maker, Func<string, string?>? memoryOf = null)
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
        if (source is CheckpointAt at)
        {
            if (!Path.Exists(at.Path)) throw new InputException($"{place}: there is nothing at {at.Path}");
            RefuseMemory(at.Path, memoryOf);
            return at.Path;
        }

        var recipe = ((GeneratedCheckpoint)source).Recipe;
        if (!maker.Models.Contains(recipe.Model))
        {
            throw new InputException($"{place}: unknown model '{recipe.Model}': known are {string.Join(", ", maker.Models)}");
        }

        var path = Path.Combine(folder, recipe.FileName);
        if (Path.Exists(path) && File.Exists(path + ".digests.json")) return path;
        RefuseMemory();
        if (!Directory.Exists(folder)) MakeFolder();
        maker.Make(recipe, path, sparse: false, progress, cancellation);
        return path;
    }

    /// <summary>
    /// Refuses a checkpoint that lies in memory: its pages are charged to whoever touched them and cannot be evicted, so that a load under a cap is
    /// measured as almost nothing.
    /// </summary>
    /// <exception cref="InputException">It does, or a file that it links to.</exception>
    public static void RefuseMemory(string path, Func<string, string?>? memoryOf = null)
    {
        foreach (var file in CheckpointPaths.WithLinks(path))
        {
            if ((memoryOf ?? MemoryFileSystem.Of)(file) is { } fileSystem)
                throw new InputException($"{file}: is on {fileSystem}, where files are memory and no measurement is right; copy it to a disk");
        }
    }

    private void MakeFolder()
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{folder}: cannot be made a folder for checkpoints; set {Variable} to one on a disk: {problem.Message}", problem);
        }

        KeepOutOfGit();
    }

    // In somebody's repository gigabytes lie beside their sources: as other tools' caches do, a folder that was made for them says itself that it is none of theirs.
    private void KeepOutOfGit()
    {
        try
        {
            WholeFile.Write(Path.Combine(folder, ".gitignore"), "*\n"u8);
        }
        catch (IOException)
        {
            // Whatever is wrong with the folder, the checkpoint tells.
        }
    }

    private void RefuseMemory()
    {
        if ((memoryOf ?? MemoryFileSystem.Of)(folder) is { } fileSystem)
            throw new IOException($"{folder}: is on {fileSystem}, where files are memory; set {Variable} to a folder on a disk");
    }
}
