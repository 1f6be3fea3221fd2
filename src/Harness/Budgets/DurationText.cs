using System.Globalization;

namespace Loadline.Harness.Budgets;

/// <summary>Times as files and command lines have them: whole seconds or minutes, as in 90s or 5min.</summary>
internal static class DurationText
{
    private const int MostUnits = 100_000;

    /// <summary>Whether a text is a time from one second on.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        var (digits, unitSeconds) = text.EndsWith("min", StringComparison.Ordinal) ? (text[..^3], 60) : text.EndsWith('s') ? (text[..^1], 1) : ("", 0);
        var isNumber = int.TryParse(digits.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < MostUnits;
        duration = TimeSpan.FromSeconds(isNumber ? number * unitSeconds : 0);
        return isNumber;
    }
}
