using System.Net;
using System.Text.RegularExpressions;
using Loadline.Harness.Output;
using Loadline.Harness.Reports;
using Loadline.Harness.Results;

namespace Loadline.Unit.Harness.Reports;

/// <summary>The page, the markdown and the terminal table, from the same results.</summary>
public partial class ReportTests
{
    private static readonly ResultFile Results = Measured.File(Measured.Loaded(), Measured.Killed(), Measured.Missed());

    [Fact]
    public void Page_markdown_and_terminal_show_the_same_numbers()
    {
        var terminal = new PlainTable(Results.Cases.Select(c => c.Name));
        var page = PageRows(ResultPage.Of(Results));
        var markdown = MarkdownRows(ResultMarkdown.Of(Results));

        foreach (var (result, index) in Results.Cases.Select((c, i) => (c, i)))
        {
            var row = CaseRow.Of(result);
            string[] cells = [row.Name, row.Expected, row.Outcome, row.Cap, row.Peak, row.Budget, row.Headroom, row.Ratio, row.Host, row.Device, row.Rss, row.Seconds];
            page[index].Should().Equal(cells);
            markdown[index].Should().Equal(cells);
            Spaces().Split(terminal.Line(result)[(terminal.Line(result).IndexOf(row.Name, StringComparison.Ordinal) + row.Name.Length)..].Trim()).Should().Equal(
                row.Cap, row.Expected, row.Outcome, row.Anonymous, row.Rss, row.Seconds);
        }

        page[0].Should().Equal("streamed survives", "loaded", "loaded", "128 MiB", "72", "80", "8", "0.044", "64", "1646", "90", "1.2");
    }

    [Fact]
    public void What_a_use_read_again_stands_in_every_table_that_has_one_and_in_no_other()
    {
        var thrashed = Measured.Loaded("thrashes") with { Outcome = Loadline.Harness.Budgets.Outcome.Thrashed, Passes = [Measured.Pass(1.2), Measured.Pass(1.02)] };
        var results = Measured.File(thrashed, Measured.Loaded());

        PageRows(ResultPage.Of(results))[0].Should().Contain("thrashed").And.Contain("1.02");
        MarkdownRows(ResultMarkdown.Of(results))[0].Should().Contain("thrashed").And.Contain("1.02");
        new PlainTable(["thrashes"], hasPasses: true).Line(thrashed).Should().Contain("thrashed").And.Contain("1.02");
        ResultPage.Of(results).Should().Contain("1.02 of the weights read again at a use").And.Contain("pass 2: 0.50 s, ");
        ResultMarkdown.Of(Results).Should().NotContain("reread");
        new PlainTable(["n"]).Head.Should().NotContain("reread");
    }

    [Fact]
    public void The_page_needs_nothing_else_and_another_programs_text_stays_text()
    {
        var page = ResultPage.Of(Results);

        page.Should().NotContainAny("http://", "https://", "<script", "src=", "@import", "url(", "onload", "onclick")
            .And.Contain("&lt;/pre&gt;&lt;script&gt;alert(1)").And.Contain("streamed &lt;fails&gt; | here");
    }

    [Fact]
    public void Each_case_has_a_drawing_that_says_what_it_shows()
    {
        var page = ResultPage.Of(Results);

        Regex.Count(page, "<svg ").Should().Be(3);
        page.Should().Contain("""role="img" aria-labelledby="chart-0-t chart-0-d"><title id="chart-0-t">streamed survives</title>""");
        page.Should().Contain("Memory over 1.0 s: anonymous and shared memory peaked at 72 MiB in phase read, budget 80 MiB, cap 128 MiB; outcome loaded.");
        Regex.Count(page, """class="end"><title>killed by the cap""").Should().Be(1);
        Regex.Count(page, """class="limit cap""").Should().Be(3);
        Regex.Count(page, """class="limit budget""").Should().Be(2);
        Regex.Count(page, """class="line device""").Should().Be(3);
    }

    [Fact]
    public void A_case_without_samples_says_so()
    {
        var page = ResultPage.Of(Measured.File(Measured.Loaded() with { Timeline = null }));

        page.Should().NotContain("<svg ").And.Contain("no samples");
    }

    [Fact]
    public void What_is_wrong_comes_first()
    {
        ResultMarkdown.Of(Results).Should().StartWith("""
            ### 2 of 3 as expected, peaks 0.044 × the weights

            - ❌ streamed of gpt2-medium on sim:4GiB was limited to 54 MiB of anonymous memory but peaked at 72 MiB, 18 MiB over, in phase read

            """);
        var page = ResultPage.Of(Results);
        page.IndexOf("18 MiB over", StringComparison.Ordinal).Should().BeLessThan(page.IndexOf("<table>", StringComparison.Ordinal));
    }

    [Fact]
    public void Evidence_names_the_phases_who_held_the_memory_and_the_last_lines()
    {
        FailureText.Of(Measured.Missed("streamed fails"), "budgets.json:7").Should().Be("""
            streamed of gpt2-medium on sim:4GiB was limited to 54 MiB of anonymous memory but peaked at 72 MiB, 18 MiB over, in phase read
              budgets.json:7: 'streamed fails', because everything passes through a ring
              peak anonymous memory by phase:
                open            6 MiB
                read           72 MiB
              host memory at the engine's peak, 64 MiB: ring 64 MiB
                    64 MiB  ring
              the last lines of its output:
                ::error::injected
                </pre><script>alert(1)</script>
                ``` not the end
            """);
        FailureText.Of(Measured.Killed(), null).Should().Contain("host memory when the worker told it last, 64 MiB: ring 64 MiB");
    }

    // Results may be a stranger's, whose message is to stand for no other case's.
    [Fact]
    public void A_second_line_of_a_message_begins_no_entry_of_a_summary() =>
        ResultMarkdown.Of(Measured.File(Measured.Missed() with { Message = "one\ntwo" })).Should().Contain("- ❌ one\n  - two");

    [Fact]
    public void A_run_that_ended_early_says_so_everywhere()
    {
        var results = Results with { Incomplete = "the daemon is gone" };

        ResultPage.Of(results).Should().Contain("the run ended before its last case: the daemon is gone");
        ResultMarkdown.Of(results).Should().Contain("❌ The run ended before its last case: the daemon is gone");
    }

    private static List<string[]> PageRows(string page) =>
    [
        .. Regex.Matches(page, "<tr class=.*?</tr>").Select(row => Regex.Matches(row.Value, "<t[dh][^>]*>(.*?)</t[dh]>").Skip(1)
            .Select(cell => WebUtility.HtmlDecode(Regex.Replace(cell.Groups[1].Value, "<.*?>", ""))).ToArray()),
    ];

    private static List<string[]> MarkdownRows(string markdown) =>
    [
        .. markdown.Split('\n').Where(l => l.StartsWith("| ✅") || l.StartsWith("| ❌")).Select(line => Regex.Split(line, @"(?<!\\)\|")[2..^1]
            .Select(cell => WebUtility.HtmlDecode(Regex.Replace(cell.Trim(), @"\\(.)", "$1"))).ToArray()),
    ];

    [GeneratedRegex(@"\s{2,}")]
    private static partial Regex Spaces();
}
