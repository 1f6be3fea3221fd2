using System.Security.Cryptography;
using Loadline.Checkpoints.Files;

namespace Loadline.Harness.Budgets;

/// <summary>The memory budgets of a repository, reviewed like code.</summary>
/// <param name="Path">Where it was read, as the user wrote it.</param>
/// <param name="Checkpoints">By name.</param>
/// <param name="Cases">In the order of the file.</param>
internal sealed record BudgetFile(
    string Path, IReadOnlyDictionary<string, CheckpointSource> Checkpoints, IReadOnlyList<BudgetCase> Cases)
{
    /// <summary>Of its bytes, as in <c>sha256:9f86…</c>: two paths may lead to the same budgets. Null where no file holds them.</summary>
    public string? Digest { get; init; }

    /// <summary>Its name where nobody gives it another.</summary>
    public const string DefaultName = "budgets.json";

    /// <summary>
    /// The file that is meant where none is named: that of the current folder, else the nearest above it in its repository. Outside of one nothing above counts:
    /// the file runs programs, and /tmp is everybody's. Never that of Loadline's own clone, unless the current folder lies in it.
    /// </summary>
    /// <exception cref="InputException">There is none.</exception>
    public static string Default() => File.Exists(DefaultName) ? DefaultName : Default(Directory.GetCurrentDirectory());

    /// <summary>The same, from another folder, as an absolute path.</summary>
    public static string Default(string from)
    {
        var root = RepositoryOf(from);
        for (var folder = new DirectoryInfo(from); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, DefaultName))) return System.IO.Path.Combine(folder.FullName, DefaultName);
            // What lies above is somebody else's, and what everybody may write to is nobody's.
            if (root is null || folder.FullName == root || IsEverybodys(folder.Parent)) break;
        }

        throw new InputException($"there is no {DefaultName} in {from}, nor above it in a repository that holds it: name one with --budgets, or write one with `loadline budgets init CHECKPOINT`");
    }

    // Of a worktree and a submodule .git is a file. One in /tmp is anybody's.
    private static string? RepositoryOf(string path)
    {
        for (var folder = new DirectoryInfo(path); folder is not null && !IsEverybodys(folder); folder = folder.Parent)
        {
            if (System.IO.Path.Exists(System.IO.Path.Combine(folder.FullName, ".git"))) return folder.FullName;
        }

        return null;
    }

    private static bool IsEverybodys(DirectoryInfo? folder) => folder is not null && folder.UnixFileMode.HasFlag(UnixFileMode.OtherWrite);

    /// <summary>The same with those cases that have a text in their name; all for null.</summary>
    /// <exception cref="InputException">None has.</exception>
    public BudgetFile Filtered(string? text)
    {
        var cases = Cases.Where(c => c.Name.Contains(text ?? "", StringComparison.OrdinalIgnoreCase)).ToList();
        return cases.Count > 0 ? this with { Cases = cases } : throw new InputException($"{Path}: none of its {Cases.Count} cases has '{text}' in its name");
    }

    /// <summary>Reads and checks a budget file.</summary>
    /// <exception cref="InputException">It cannot be read, or something in it is wrong: "FILE:LINE: case 'NAME': what is wrong".</exception>
    public static BudgetFile Read(string path)
    {
        var bytes = ReadBytes(path);
        return BudgetReader.Read(path, bytes) with { Digest = DigestOf(bytes) };
    }

    /// <summary>A budget file's bytes, as they are.</summary>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static byte[] ReadBytes(string path)
    {
        try
        {
            return WholeFile.Read(path);
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

    /// <summary>How results name the bytes of a file.</summary>
    public static string DigestOf(ReadOnlySpan<byte> bytes) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(bytes))}";
}
