using System.Buffers;

namespace Loadline.Checkpoints;

/// <summary>Names in a command that somebody copies out of a message: a stranger gave them, and each is one word and no option.</summary>
internal static class ShellWord
{
    private static readonly SearchValues<char> Plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+,:@%=");

    /// <summary>The word, in quotes where a shell would see more in it than a name.</summary>
    public static string Of(string name)
    {
        if (name.StartsWith('-')) name = "./" + name;
        return Quoted(name);
    }

    /// <summary>Any word of a command, so that two commands have one text only where they are one.</summary>
    public static string Quoted(string name)
    {
        if (name.Length == 0) return "''";
        return name.AsSpan().ContainsAnyExcept(Plain) ? $"'{name.Replace("'", @"'\''", StringComparison.Ordinal)}'" : name;
    }
}
