namespace Loadline.Checkpoints;

/// <summary>Names of tensors, whose parts are the modules that they lie in. One may have as many parts as letters: they are looked at where they stand.</summary>
internal static class DottedName
{
    /// <summary>The first part, as it is said to people: of a long one the beginning.</summary>
    /// <param name="name">A tensor's.</param>
    /// <param name="mostChars">As many characters of it as are shown.</param>
    public static string FirstPart(string name, int mostChars)
    {
        var part = name.AsSpan(0, Math.Min(name.Length, mostChars + 1));
        if (part.IndexOf('.') is >= 0 and var dot) part = part[..dot];
        return part.Length <= mostChars ? part.ToString() : $"{part[..mostChars]}…";
    }
}
