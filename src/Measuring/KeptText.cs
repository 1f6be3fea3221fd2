using Loadline.Checkpoints;

namespace Loadline.Measuring;

/// <summary>A stranger's text as it is shown and kept.</summary>
internal static class KeptText
{
    /// <summary>Fit to be shown, and no longer than so many characters: escaped it is six times as long.</summary>
    public static string Of(string text, int mostCharacters) =>
        PrintableText.Shorten(PrintableText.Escape(PrintableText.Shorten(text, mostCharacters)), mostCharacters);
}
