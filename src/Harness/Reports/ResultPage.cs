using System.Net;
using System.Text;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>
/// Results as one page that needs nothing else: no network, no script, styles and drawings inside. Its policy forbids the browser everything that
/// it does not need, so that text of another program's can do nothing either.
/// </summary>
internal static class ResultPage
{
    private const string DocType = "<!doctype html>";

    // What stands between is bounded: a count, or the begin of a name.
    private const int LongestHead = 64 << 10;

    /// <summary>The end of the title of all pages, by which they are known again.</summary>
    public const string TitleEnd = " · Loadline</title>";

    /// <summary>Writes the page to a file.</summary>
    /// <exception cref="IOException">The path cannot be written.</exception>
    public static void Write(ResultFile results, string path) => WholeFile.Write(path, Encoding.UTF8.GetBytes(Of(results)));

    /// <summary>Whether a file is empty or a page of Loadline's, and so may be replaced by another, as may a link to nothing.</summary>
    public static bool IsOne(string path)
    {
        if (File.ResolveLinkTarget(path, returnFinalTarget: true) is { Exists: false }) return true;
        using var reader = new StreamReader(path);
        var buffer = new char[LongestHead];
        var start = buffer.AsSpan(0, reader.ReadBlock(buffer));
        return start.IsEmpty || (start.StartsWith(DocType) && start.Contains(TitleEnd, StringComparison.Ordinal));
    }

    /// <summary>The page.</summary>
    public static string Of(ResultFile results) => $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
        <title>{Encode(Headline.Count(results))}{TitleEnd}
        <link rel="icon" href="data:,">
        <style>
        {Style()}</style>
        </head>
        <body>
        <main>
        <header>
        <p class="brand">Loadline</p>
        <h1>{Encode(Headline.Count(results))}</h1>
        <p class="subject">{Encode(Headline.Subject(results))}</p>
        {(Advice.Of(results) is { } advice ? $"""<p class="advice">{Encode(advice)}</p>""" : "")}
        <dl class="figures">{string.Concat(Figures(results))}</dl>
        <p class="environment">{Encode(Headline.Environment(results.Environment))}</p>
        {string.Concat(ResultNotes.Of(results).Select(note => $"""<p class="environment">{Encode(note)}</p>"""))}
        </header>
        {Failures(results)}
        <section aria-label="All cases">
        <h2>Cases</h2>
        {CaseTable.Of(results.Cases)}
        <p class="note">Memory in MiB. anon: the highest anonymous and shared memory, which no kernel can reclaim. host, device: the engine's own count of what it allocated; a cap has to hold the process itself beside it, and the kernel's tables. RSS counts mapped pages of files, too. reread: the most of its weights that a use after the first read from the disk again. † is where a load stood when it was killed, not what it needs. A range: read, and what a peak between two readings cannot have exceeded.</p>
        <p class="note">A cap holds what its cgroup is charged with: neither the memory of GPUs, nor what a GPU that shares the machine's RAM takes by its driver, nor pages of files that another cgroup had in the page cache before.</p>
        <details class="interfaces"><summary>Where each figure comes from, on cgroup v{results.Environment.CgroupVersion}</summary>
        <dl>{string.Concat(Interfaces.Of(results.Environment.CgroupVersion).Select(i => $"<dt>{Encode(i.Figure)}</dt><dd>{Encode(i.From)}</dd>"))}</dl>
        </details>
        </section>
        <section aria-label="Timelines">
        <h2>Timelines</h2>
        <ul class="legend"><li class="anon">anonymous</li><li class="shmem">shared</li><li class="file">mapped from files</li><li class="cgroup">charged to the cgroup, page cache included</li><li class="device">device</li><li class="cap">cap</li><li class="budget">budget</li></ul>
        <div class="cards">
        {string.Join("\n", results.Cases.Select(CaseCard.Of))}
        </div>
        </section>
        </main>
        </body>
        </html>

        """;

    /// <summary>Text between tags or in an attribute.</summary>
    public static string Encode(string text) => WebUtility.HtmlEncode(PrintableText.EscapeLines(text));

    private static IEnumerable<string> Figures(ResultFile results)
    {
        if (Headline.RatioRange(results) is { } range) yield return Figure($"{range} ×", "peak over weights");
        var tightest = results.Cases.Where(c => c is { BudgetBytes: not null, HeldBytes: not null }).MinBy(c => c.BudgetBytes - c.HeldBytes);
        if (tightest is not null) yield return Figure($"{CaseRow.Of(tightest).Headroom} MiB", $"least headroom: {tightest.Name}");
    }

    private static string Figure(string number, string what) => $"<div><dd>{Encode(number)}</dd><dt>{Encode(what)}</dt></div>";

    private static string Failures(ResultFile results)
    {
        var sentences = results.Cases.Index().Where(c => !c.Item.Pass).SelectMany(c =>
            FailureText.Sentence(c.Item).Split('\n').Select(sentence => $"""<li><a href="#case-{c.Index}">{Encode(sentence)}</a></li>""")).ToList();
        if (results.Incomplete is { } why) sentences.Insert(0, $"<li>the run ended before its last case: {Encode(why)}</li>");
        return sentences.Count == 0 ? "" : $"""<section class="failures" aria-label="Not as expected"><ul>{string.Concat(sentences)}</ul></section>""";
    }

    /// <summary>The styles of all pages.</summary>
    public static string Style()
    {
        using var stream = typeof(ResultPage).Assembly.GetManifestResourceStream("report.css")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
