using System.Text;

namespace Loadline.Benchmarks;

/// <summary>How a ratio is held against its limit.</summary>
internal enum Bound
{
    AtLeast,
    AtMost,
    Exactly,
}

/// <summary>A ratio that this project promises.</summary>
/// <param name="What">In words.</param>
/// <param name="Ratio">What was measured; null where nothing was.</param>
/// <param name="Bound">Which side of the limit is right.</param>
/// <param name="Limit">What is promised.</param>
internal sealed record Target(string What, double? Ratio, Bound Bound, double Limit)
{
    public bool? IsMet => Ratio is not { } ratio ? null : Bound switch
    {
        Bound.AtLeast => ratio >= Limit,
        Bound.AtMost => ratio <= Limit,
        _ => ratio == Limit,
    };

    /// <summary>In a word: met, missed or not measured.</summary>
    public string Verdict => IsMet switch { true => "met", false => "missed", null => "not measured" };

    /// <summary>With as many digits as show on which side of the limit it is; empty where nothing was measured.</summary>
    public string Measured => Ratio is not { } ratio ? "" : IsMet == false && Math.Round(ratio, 2) == Limit ? $"{ratio:0.0000}" : $"{ratio:0.00}";

    /// <summary>A table in markdown, one line a target.</summary>
    public static string Table(IEnumerable<Target> targets)
    {
        var text = new StringBuilder("| ratio | measured | promised | |\n|---|--:|--:|---|\n");
        foreach (var target in targets)
        {
            var sign = target.Bound switch { Bound.AtLeast => "≥", Bound.AtMost => "≤", _ => "=" };
            var verdict = target.IsMet == false ? $"**{target.Verdict}**" : target.Verdict;
            text.Append(null, $"| {target.What} | {target.Measured} | {sign} {target.Limit:0.##} | {verdict} |\n");
        }

        return text.ToString();
    }
}
