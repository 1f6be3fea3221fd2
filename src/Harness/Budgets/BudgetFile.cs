namespace Loadline.Harness.Budgets;

/// <summary>The memory budgets of a repository, reviewed like code.</summary>
/// <param name="Path">Where it was read, as the user wrote it.</param>
/// <param name="Checkpoints">By name.</param>
/// <param name="Cases">In the order of the file.</param>
internal sealed record BudgetFile(
    string Path, IReadOnlyDictionary<string, CheckpointSource> Checkpoints, IReadOnlyList<BudgetCase> Cases)
{
    /// <summary>The file that is meant where none is named: budgets.json of the current folder, else of the repository.</summary>
    public static string Default() =>
        File.Exists("budgets.json") || RepositoryRoot.Find() is not { } root ? "budgets.json" : System.IO.Path.Combine(root, "budgets.json");

    /// <summary>Reads and checks a budget file.</summary>
    /// <exception cref="InputException">It cannot be read, or something in it is wrong: "FILE:LINE: case 'NAME': what is wrong".</exception>
    public static BudgetFile Read(string path)
    {
        try
        {
            return BudgetReader.Read(path, File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: there is no such file; name one with --budgets");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}");
        }
    }
}
