using System.Collections.Immutable;

namespace Loadline.Checkpoints.Selection;

/// <summary>
/// A pattern of tensor names: <c>*</c> stands for any characters, dots included, and <c>?</c> for one. Of several ways in which a name fits, each
/// <c>*</c> takes as little as it can, from the left on.
/// </summary>
internal sealed class NamePattern
{
    private readonly string[] _literals;

    public NamePattern(string text) => (Text, _literals) = (text, text.Split('*'));

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>How many <c>*</c> there are.</summary>
    public int Stars => _literals.Length - 1;

    /// <summary>Whether a name fits.</summary>
    public bool Fits(string name) => Fits(name, null);

    /// <summary>The name that a pattern of the same stars makes of what this one's stand for; null where the name does not fit.</summary>
    public string? Rewrite(string name, NamePattern target)
    {
        var taken = new Range[Stars];
        if (!Fits(name, taken)) return null;
        var parts = new string[_literals.Length + Stars];
        for (var i = 0; i < parts.Length; i++) parts[i] = i % 2 == 0 ? target._literals[i / 2] : name[taken[i / 2]];
        return string.Concat(parts);
    }

    private bool Fits(string name, Range[]? taken)
    {
        var (first, last) = (_literals[0], _literals[^1]);
        if (!IsAt(name, 0, first)) return false;
        if (Stars == 0) return name.Length == first.Length;
        var (at, end) = (first.Length, name.Length - last.Length);
        if (end < at || !IsAt(name, end, last)) return false;
        for (var star = 0; star < Stars; star++)
        {
            var found = star == Stars - 1 ? end : Find(name, at, end, _literals[star + 1]);
            if (found < 0) return false;
            if (taken is not null) taken[star] = at..found;
            at = found + _literals[star + 1].Length;
        }

        return true;
    }

    private static int Find(string name, int from, int end, string literal)
    {
        if (!literal.Contains('?')) return name.AsSpan(from, end - from).IndexOf(literal, StringComparison.Ordinal) is >= 0 and var found ? from + found : -1;
        for (var at = from; at + literal.Length <= end; at++)
        {
            if (IsAt(name, at, literal)) return at;
        }

        return -1;
    }

    private static bool IsAt(string name, int at, string literal)
    {
        if (literal.Length > name.Length - at) return false;
        for (var i = 0; i < literal.Length; i++)
        {
            if (literal[i] != '?' && literal[i] != name[at + i]) return false;
        }

        return true;
    }
}

/// <summary>New names for those that fit a pattern, as in <c>model.*=*</c>.</summary>
/// <param name="From">What a name has to fit.</param>
/// <param name="To">The new name; its stars stand for what those of <paramref name="From"/> do, in order.</param>
internal sealed record RenameRule(NamePattern From, NamePattern To)
{
    /// <exception cref="FormatException">It has no equals sign, or other stars on its right than on its left.</exception>
    public static RenameRule Parse(string text)
    {
        // A name may hold an equals sign, and a rule's right side is the shorter guess.
        var at = text.LastIndexOf('=');
        if (at <= 0) throw new FormatException($"'{text}' is no rule for names: write OLD=NEW, as in model.*=*");
        var rule = new RenameRule(new NamePattern(text[..at]), new NamePattern(text[(at + 1)..]));
        return rule.From.Stars == rule.To.Stars && !rule.To.Text.Contains('?')
            ? rule
            : throw new FormatException($"'{text}' is no rule for names: both sides need as many *, and the right one no ?, as in model.*=*");
    }

    public static ImmutableArray<RenameRule> ParseAll(ImmutableArray<string> texts) => [.. texts.Select(Parse)];
}
