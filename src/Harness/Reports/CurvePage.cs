using Loadline.Harness.Curves;
using Loadline.Harness.Output;

namespace Loadline.Harness.Reports;

/// <summary>A curve as one page that needs nothing else: the picture, for wide and for narrow screens, and the table.</summary>
internal static class CurvePage
{
    /// <summary>The page.</summary>
    public static string Of(CurveFile curve) => $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
        <title>{ResultPage.Encode(Head(curve))}{ResultPage.TitleEnd}
        <link rel="icon" href="data:,">
        <style>
        {ResultPage.Style()}
        .narrow {"{"} display: none; {"}"}
        @media (max-width: 760px) {"{"} .narrow {"{"} display: block; {"}"} {"}"}
        svg text {"{"} fill: var(--ink); {"}"}
        </style>
        </head>
        <body>
        <main>
        <header>
        <p class="brand">Loadline</p>
        <h1>{ResultPage.Encode(Head(curve))}</h1>
        <p class="environment">{ResultPage.Encode(Headline.Environment(curve.Environment))}</p>
        </header>
        <figure class="wide">{CurveChart.Draw(curve)}</figure>
        <figure class="narrow">{CurveChart.Draw(curve, wide: false)}</figure>
        <p class="note">×: from here down the kernel kills. Dotted: alive, but each use reads weights from the disk again. ○ is the limit from which on nothing is read again. A run's figures stand at its point.</p>
        <section aria-label="Zones">
        <h2>Zones</h2>
        {Table(curve)}
        <p class="note">Seconds: the load and all uses of its weights, or the program from its start to its end; the middle one of the zone's runs. Ends of zones as near as 2.5 %: `loadline floor` finds them to a MiB.</p>
        </section>
        </main>
        </body>
        </html>

        """;

    private static string Head(CurveFile curve) =>
        curve.Checkpoint is { } checkpoint ? $"{checkpoint} under each memory limit" : "Programs under each memory limit";

    private static string Table(CurveFile curve)
    {
        // A narrow screen has no room for the last columns.
        var heads = CurveText.Heads.Skip(1).Select((head, i) => $"""<th scope="col" class="{(i > 1 ? "n wide" : "n")}">{ResultPage.Encode(head)}</th>""");
        var rows = CurveText.Rows(curve).Select(row =>
            $"""<tr><td></td><th scope="row">{ResultPage.Encode(row[0])}</th>{string.Concat(row.Skip(1).Select((cell, i) => $"""<td class="{(i > 1 ? "n wide" : "n")}">{ResultPage.Encode(cell)}</td>"""))}</tr>""");
        return $"""<table><thead><tr><th></th><th scope="col">what</th>{string.Concat(heads)}</tr></thead><tbody>{string.Concat(rows)}</tbody></table>""";
    }
}
