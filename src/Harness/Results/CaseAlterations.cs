using System.Globalization;
using System.Text;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Results;

/// <summary>What makes a case another one under the same name.</summary>
internal static class CaseAlterations
{
    // Longer than any command that a person compares.
    private const int MostCharacters = 1000;

    private const string Command = "command";

    /// <summary>"dtype bfloat16 became float16", a text for each member that differs. One of them may have been read, with its texts escaped.</summary>
    /// <param name="before">As it was.</param>
    /// <param name="after">As it is.</param>
    /// <param name="which">Whether a member counts.</param>
    public static IEnumerable<string> Between(CaseResult before, CaseResult after, Func<CaseMember, bool> which)
    {
        foreach (var member in CaseMembers.All.Where(which))
        {
            if (member.Name == Command)
            {
                // A command may have hundreds of thousands of words: as one text they would take a multiple of what they do in the file.
                if (!AreSame(before.Command ?? [], after.Command ?? [])) yield return Became(member, Words(before.Command ?? []), Words(after.Command ?? []));
                continue;
            }

            var (own, other) = (OwnMembers.ValueOf(before, member.Name), OwnMembers.ValueOf(after, member.Name));
            if (Equals(own, other)) continue;
            // A default may be written out, or not.
            var (was, now) = (Text(own, member), Text(other, member));
            if (was != now) yield return Became(member, was, now);
        }
    }

    /// <summary>"weights of 48 MiB became 12 MiB", where a checkpoint of the same name is another one. Of loads that told of it in both runs.</summary>
    public static IEnumerable<string> OfWeights(CaseResult before, CaseResult after)
    {
        if (before.WeightBytes is { } old && after.WeightBytes is { } now && old != now) yield return $"weights of {ByteSize.Format(old)} became {ByteSize.Format(now)}";
        if (before.Tensors is { } were && after.Tensors is { } are && were != are) yield return $"{were} tensors became {are}";
        if (before.Format is { } was && after.Format is { } @is && was != @is) yield return $"format {Shortened(was)} became {Shortened(@is)}";
    }

    private static string Became(CaseMember member, string before, string after) => $"{member.Name} {Shortened(before)} became {Shortened(after)}";

    private static string Shortened(string text) => PrintableText.Shorten(text, MostCharacters);

    private static bool AreSame(IReadOnlyList<string> before, IReadOnlyList<string> after) =>
        before.Count == after.Count && before.Zip(after).All(pair => pair.First == pair.Second || PrintableText.Escape(pair.First) == PrintableText.Escape(pair.Second));

    // Its middle is left out, and only what is left of a long one is made.
    private static string Words(IReadOnlyList<string> words)
    {
        var (first, start) = (0, new StringBuilder());
        for (; first < words.Count && start.Length <= MostCharacters; first++) start.Append(first == 0 ? "" : " ").Append(Word(words[first]));
        // From the end as many more as fill the half that is shown.
        var (last, length) = (words.Count, 0);
        while (last > first && length <= MostCharacters) length += Word(words[--last]).Length + 1;
        for (; last < words.Count; last++) start.Append(' ').Append(Word(words[last]));
        return start.ToString();
    }

    private static string Word(string word) => PrintableText.Escape(ShellWord.Quoted(word));

    private static string Text(object? value, CaseMember member) => PrintableText.Escape(value is null ? member.Default : Convert.ToString(value, CultureInfo.InvariantCulture)!);
}
