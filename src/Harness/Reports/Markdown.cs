using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Loadline.Checkpoints;

namespace Loadline.Harness.Reports;

/// <summary>GitHub-flavoured markdown from text that must not be taken for markup.</summary>
internal static partial class Markdown
{
    /// <summary>Text between markup: a name or a message never becomes a link, a mention, a tag, an emoji, a formula or a new line.</summary>
    public static string Escape(string text) =>
        InSpans(Special().Replace(PrintableText.Escape(text.ReplaceLineEndings(" ")), @"\$0").Replace("&", "&amp;").Replace("<", "&lt;"));

    /// <summary>The same between tags of HTML.</summary>
    public static string Html(string text) => InSpans(WebUtility.HtmlEncode(PrintableText.Escape(text)));

    /// <summary>A row of a table.</summary>
    public static string Row(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";

    /// <summary>A table; columns from <paramref name="firstRight"/> on hold numbers.</summary>
    public static string Table(IReadOnlyList<string> heads, int firstRight, IEnumerable<IReadOnlyList<string>> rows) =>
        string.Join("\n", [Row(heads), Row(heads.Select((_, i) => i < firstRight ? "---" : "---:")), .. rows.Select(Row)]);

    /// <summary>Lines as they are, in a fence longer than any inside.</summary>
    public static string Fence(IEnumerable<string> lines)
    {
        var text = string.Join("\n", lines);
        var longest = Backticks().Matches(text).Select(m => m.Length).DefaultIfEmpty(0).Max();
        var fence = new string('`', Math.Max(3, longest + 1));
        return $"{fence}text\n{text}\n{fence}";
    }

    /// <summary>Puts blocks together, and leaves out those at the end that no longer fit.</summary>
    /// <param name="blocks">Each whole in itself.</param>
    /// <param name="maxBytes">As UTF-8.</param>
    public static string Join(IEnumerable<string> blocks, long maxBytes)
    {
        const string cut = "*The rest is left out here for its length; the results file has all of it.*\n";
        if (maxBytes < cut.Length) return "";
        var text = new StringBuilder();
        long bytes = cut.Length;
        foreach (var block in blocks)
        {
            bytes += Encoding.UTF8.GetByteCount(block) + 2;
            if (bytes > maxBytes) return text.Append(cut).ToString();
            text.Append(block).Append("\n\n");
        }

        return text.ToString();
    }

    [GeneratedRegex(@"[\\`*_{}\[\]|~>]")]
    private static partial Regex Special();

    private static string InSpans(string text) => Spans().Replace(text, "<span>$0</span>");

    // GitHub looks for these in what the markup comes to, in which a reference to a character is that character: an element of its own ends the word.
    [GeneratedRegex(@"@|(?<!&)#|://|(?i:www)(?=\.)|(?<![A-Za-z0-9])(?i:gh)(?=-[0-9])|:(?=[a-z0-9_+\\-]+:)|\$")]
    private static partial Regex Spans();

    [GeneratedRegex("`+")]
    private static partial Regex Backticks();
}
