using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Results;

/// <summary>What makes a case another one under the same name.</summary>
internal static class CaseAlterations
{
    // Longer than any command that a person compares.
    private const int MostCharacters = 1000;

    /// <summary>"dtype bfloat16 became float16", a text for each member that differs. One of them may have been read, with its texts escaped.</summary>
    /// <param name="before">As it was.</param>
    /// <param name="after">As it is.</param>
    /// <param name="which">Whether a member counts.</param>
    public static IEnumerable<string> Between(CaseResult before, CaseResult after, Func<CaseMember, bool> which)
    {
        var (old, now) = (before.Members(), after.Members());
        return CaseMembers.All.Where(member => which(member) && Text(old, member) != Text(now, member))
            .Select(member => $"{member.Name} {Shortened(Text(old, member))} became {Shortened(Text(now, member))}");
    }

    private static string Shortened(string text) => PrintableText.Shorten(text, MostCharacters);

    private static string Text(JsonElement members, CaseMember member) => PrintableText.Escape(!members.TryGetProperty(member.Name, out var value) ? member.Default
        : value.ValueKind == JsonValueKind.Array ? string.Join(' ', value.EnumerateArray().Select(word => ShellWord.Quoted(word.ToString())))
        : value.ToString());
}
