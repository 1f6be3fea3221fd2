namespace Loadline.Harness.Commands;

/// <summary>What a word that is unknown was probably meant to be.</summary>
internal static class Misspelt
{
    private const int LongWord = 8;

    // "--" and three letters.
    private const int LeastBegin = 5;

    /// <summary>
    /// The nearest of the words that are known, if it is near: two letters exchanged, wrong, missing or too many count once each, and two are still near (three in
    /// a long word). Else one that goes on where the word ends.
    /// </summary>
    public static string? NearestTo(string word, IReadOnlyCollection<string> known)
    {
        // Longer than any that is known, and a table of its length for each of them.
        if (known.Count == 0 || word.Length > 64) return null;
        var nearest = known.Select(name => (Name: name, Steps: Steps(word, name))).MinBy(n => n.Steps);
        if (nearest.Steps <= Math.Min(word.Length < LongWord ? 2 : 3, word.Length / 2)) return nearest.Name;
        return word.Length >= LeastBegin ? known.Where(name => name.StartsWith(word, StringComparison.Ordinal)).MinBy(name => name.Length) : null;
    }

    // The distance of Damerau and Levenshtein, with neighbours exchanged at most once.
    private static int Steps(string one, string other)
    {
        var steps = new int[one.Length + 1, other.Length + 1];
        for (var i = 0; i <= one.Length; i++) steps[i, 0] = i;
        for (var j = 0; j <= other.Length; j++) steps[0, j] = j;
        for (var i = 1; i <= one.Length; i++)
        {
            for (var j = 1; j <= other.Length; j++)
            {
                var change = steps[i - 1, j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
                steps[i, j] = Math.Min(change, Math.Min(steps[i - 1, j], steps[i, j - 1]) + 1);
                if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1]) steps[i, j] = Math.Min(steps[i, j], steps[i - 2, j - 2] + 1);
            }
        }

        return steps[one.Length, other.Length];
    }
}
