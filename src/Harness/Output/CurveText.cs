using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Curves;

namespace Loadline.Harness.Output;

/// <summary>Curves as a table: where the zones of each line end, and what it takes in them.</summary>
internal static class CurveText
{
    private const int MostProblem = 400;

    /// <summary>What stands over the columns.</summary>
    public static IReadOnlyList<string> Heads { get; } = ["", "floor", "at ease from", "at ease, s", "thrashing, s"];

    /// <summary>The rows.</summary>
    public static IEnumerable<IReadOnlyList<string>> Rows(CurveFile curve) => curve.Lines.Select(line => line.Problem is { } problem
        ? (IReadOnlyList<string>)[line.Name, PrintableText.Shorten(problem, MostProblem), "", "", ""]
        : [line.Name, Size(line.FloorBytes), Size(line.ComfortBytes), Middle(line, point => point.IsAtEase), Middle(line, point => point.Outcome == Outcome.Thrashed)]);

    /// <summary>A line each, without a break at the end.</summary>
    public static string Of(CurveFile curve)
    {
        List<IReadOnlyList<string>> rows = [Heads, .. Rows(curve)];
        // A problem is a sentence, and no column's width.
        var widths = Enumerable.Range(0, Heads.Count).Select(i => rows.Where(row => row[^1] != "" || row == Heads).Append(Heads).Max(row => row[i].Length)).ToArray();
        widths[0] = rows.Max(row => row[0].Length);
        return string.Join("\n", rows.Select(row => string.Join("  ", row.Select((text, i) => i == 0 ? text.PadRight(widths[i]) : text.PadLeft(widths[i]))).TrimEnd()));
    }

    /// <summary>"1664 MiB"; "-" where there is none.</summary>
    public static string Size(long? bytes) => bytes is { } value ? ByteSize.Format(value) : "-";

    // One slow disk moment makes no zone slow.
    private static string Middle(CurveLine line, Func<CurvePoint, bool> which)
    {
        var seconds = line.Points.Where(which).Select(point => point.TotalSeconds).OfType<double>().Order().ToList();
        return seconds.Count == 0 ? "-" : seconds[seconds.Count / 2].ToString("0.00", CultureInfo.InvariantCulture);
    }
}
