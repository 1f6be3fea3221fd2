using System.Globalization;

namespace Loadline.Harness.Budgets;

/// <summary>Times as files and command lines have them: whole seconds or minutes, as in 90s or 5min.</summary>
internal static class DurationText
{
    /// <summary>The longest that anything waits: .NET's own timers end at 49 days.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(30);

    /// <summary>Whether a text is a time from one second on.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        var (digits, unitSeconds) = text.EndsWith("min", StringComparison.Ordinal) ? (text[..^3], 60) : text.EndsWith('s') ? (text[..^1], 1) : ("", 0);
        var isNumber = int.TryParse(digits.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            && (double)number * unitSeconds <= Longest.TotalSeconds;
        duration = TimeSpan.FromSeconds(isNumber ? number * unitSeconds : 0);
        return isNumber;
    }
}
