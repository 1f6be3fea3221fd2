using Loadline.Checkpoints;

namespace Loadline.Harness.Results;

/// <summary>Names of cases in a line.</summary>
internal static class NameList
{
    private const int MostNames = 20;
    private const int MostCharacters = 100;

    /// <summary>"'a', 'b' and 3 more": of many the first.</summary>
    public static string Of(IReadOnlyCollection<string> names, int most = MostNames) =>
        string.Join(", ", names.Take(most).Select(name => $"'{Shortened(name)}'"))
        + (names.Count > most ? $" and {names.Count - most} more" : "");

    /// <summary>A name with its middle left out where it would fill the line.</summary>
    public static string Shortened(string name) => PrintableText.Shorten(name, MostCharacters);
}
