using System.Globalization;
using System.Text;

namespace Loadline.Checkpoints;

/// <summary>
/// Text from a file made fit to be shown. A file chooses its names: control characters would steer the terminal, line breaks forge lines, and
/// characters that cannot be seen make two names look like one.
/// </summary>
public static class PrintableText
{
    /// <summary>The text on one line, with all that cannot be seen written as <c>\u001b</c> is.</summary>
    public static string Escape(string text)
    {
        if (!HidesAny(text)) return text;
        var escaped = new StringBuilder(text.Length + 16);
        Span<char> six = ['\\', 'u', '0', '0', '0', '0'];
        for (var i = 0; i < text.Length;)
        {
            // Most of any text is of this kind, and is copied as a whole.
            if (text.AsSpan(i).IndexOfAnyExceptInRange(' ', '~') is var plain and not 0)
            {
                if (plain < 0) plain = text.Length - i;
                escaped.Append(text, i, plain);
                i += plain;
                continue;
            }

            var isRune = Rune.TryGetRuneAt(text, i, out var rune);
            var length = isRune ? rune.Utf16SequenceLength : 1;
            if (isRune && !IsHidden(rune)) escaped.Append(text, i, length);
            else foreach (var c in text.AsSpan(i, length)) escaped.Append(Escaped(c, six));
            i += length;
        }

        return escaped.ToString();
    }

    // By hand: a header may have millions of them, and each would be formatted by the rules of a culture.
    private static ReadOnlySpan<char> Escaped(char c, Span<char> six)
    {
        for (var digit = 0; digit < 4; digit++) six[2 + digit] = "0123456789abcdef"[(c >> (12 - 4 * digit)) & 0xf];
        return six;
    }

    /// <summary>The same of a text of several lines, or with tabs, which stay.</summary>
    public static string EscapeLines(string text) => HidesAny(text, "\n\t")
        ? string.Join('\n', text.Split('\n').Select(line => string.Join('\t', line.TrimEnd('\r').Split('\t').Select(Escape))))
        : text;

    /// <summary>The text with its middle left out where it has more than <paramref name="maxLength"/> characters.</summary>
    public static string Shorten(string text, int maxLength) =>
        text.Length <= maxLength ? text : string.Concat(text.AsSpan(0, maxLength / 2), "…", text.AsSpan(text.Length - maxLength / 2));

    private static bool HidesAny(string text, string besides = "")
    {
        // Almost all names are of this kind, and this looks at many characters at once.
        var first = text.AsSpan().IndexOfAnyExceptInRange(' ', '~');
        if (first < 0) return false;
        foreach (var rune in text.AsSpan(first).EnumerateRunes())
        {
            if (IsHidden(rune) && !(rune.IsBmp && besides.Contains((char)rune.Value))) return true;
        }

        return false;
    }

    // Letters, marks and symbols that are drawn as nothing: fillers of Hangul and Khmer, blanks of hieroglyphs, a note without a head, the joiners of
    // graphemes, of consonants and of numbers, variation selectors, a cell of Braille without dots, and what Unicode keeps free for more of the kind
    // (Default_Ignorable_Code_Point of DerivedCoreProperties.txt). Beside them those that are no characters and never will be (23.7): XML has no place for two.
    private static readonly (int First, int Last)[] Blank =
    [
        (0x034f, 0x034f), (0x115f, 0x1160), (0x17b4, 0x17b5), (0x180b, 0x180f), (0x2065, 0x2065), (0x2800, 0x2800), (0x2d7f, 0x2d7f), (0x3164, 0x3164), (0xfe00, 0xfe0f),
        (0xffa0, 0xffa0), (0xfff0, 0xfff8), (0xfdd0, 0xfdef), (0x1107f, 0x1107f), (0x13441, 0x13442), (0x16fe4, 0x16fe4), (0x1d159, 0x1d159), (0xe0000, 0xe0fff),
    ];

    // Half a surrogate pair comes out of the enumeration as the replacement character, which is shown escaped where it stands for one.
    internal static bool IsHidden(Rune rune) => !(rune.IsAscii && !Rune.IsControl(rune)) && (rune == Rune.ReplacementChar || Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        // All but the space itself, which is ASCII.
        or UnicodeCategory.SpaceSeparator
        || (rune.Value & 0xfffe) == 0xfffe
        || IsBlank(rune.Value));

    // No lambda: it would be made for every character.
    private static bool IsBlank(int value)
    {
        foreach (var (first, last) in Blank)
        {
            if (value >= first && value <= last) return true;
        }

        return false;
    }
}
