namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// Names of classes of TorchScript as PyTorch prints them: libtorch parses names, passes over blanks and comments, stops before a number, and finds a class
/// that is looked for in vain here.
/// </summary>
internal static class ScriptedName
{
    /// <summary>Whether it is one, or one behind which libtorch takes a dash, as of a repository's name, for a minus, and for the end.</summary>
    public static bool Is(string name)
    {
        if (!name.StartsWith("__torch__.", StringComparison.Ordinal)) return false;
        var isMinus = false;
        for (var i = 1; i < name.Length; i++)
        {
            if (!char.IsAsciiLetterOrDigit(name[i]) && name[i] is not ('_' or '.' or '-')) return false;
            isMinus |= name[i] == '-';
            if (!isMinus && name[i - 1] == '.' && (name[i] == '.' || char.IsAsciiDigit(name[i]))) return false;
        }

        return isMinus || name[^1] != '.';
    }

    /// <summary>Whether libtorch takes it for nothing else.</summary>
    public static bool IsExact(string name) => Is(name) && !name.Contains('-');
}
