using System.Text;
using Loadline.Checkpoints.Files;

namespace Loadline.Harness.Results;

/// <summary>
/// The commit that a folder's repository has checked out, read from its files: git may not be there, and refuses a repository of another user's, as that of
/// whoever calls <c>sudo</c>. What is changed and not committed is not seen.
/// </summary>
internal static class GitCommit
{
    private const string Reference = "ref: ";
    private const string Elsewhere = "gitdir: ";

    // Of packed references; a repository of a hundred thousand branches has so much.
    private const long MostBytes = 16 * ByteSize.MiB;

    /// <summary>Its hash in hexadecimal; null where there is no repository, or none that can be read so.</summary>
    public static string? Of(string folder)
    {
        for (var at = new DirectoryInfo(Path.GetFullPath(folder)); at is not null; at = at.Parent)
        {
            var git = Path.Combine(at.FullName, ".git");
            if (Path.Exists(git)) return OfRepository(git);
        }

        return null;
    }

    private static string? OfRepository(string git)
    {
        // A worktree's and a submodule's is a file that says where.
        var own = Directory.Exists(git) ? git : null;
        if (own is null && Text(git) is { } text && text.StartsWith(Elsewhere, StringComparison.Ordinal))
            own = Path.GetFullPath(text[Elsewhere.Length..], Path.GetDirectoryName(git)!);
        if (own is null || Text(Path.Combine(own, "HEAD")) is not { } head) return null;
        if (!head.StartsWith(Reference, StringComparison.Ordinal)) return Hash(head);
        var name = head[Reference.Length..];
        var common = Text(Path.Combine(own, "commondir")) is { } shared ? Path.GetFullPath(shared, own) : own;
        return Hash(Text(Path.Combine(common, name))) ?? Packed(Text(Path.Combine(common, "packed-refs")), name);
    }

    private static string? Packed(string? references, string name) =>
        Hash(references?.Split('\n').FirstOrDefault(line => line.EndsWith($" {name}", StringComparison.Ordinal))?.Split(' ')[0]);

    // SHA-1, or SHA-256 of newer repositories.
    private static string? Hash(string? text) => text is { Length: 40 or 64 } && text.All(char.IsAsciiHexDigitLower) ? text : null;

    private static string? Text(string path)
    {
        try
        {
            var text = new FileInfo(path) is { Exists: true, Length: <= MostBytes } ? Encoding.UTF8.GetString(WholeFile.Read(path)).TrimEnd() : null;
            // Paths are made of it, and of these none can be.
            return text?.Contains('\0') == true ? null : text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
