using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Harness.Output;

/// <summary>A case that did not pass, for whoever has to repair it: the sentence first, then the evidence.</summary>
internal static class FailureText
{
    private const int MostLines = 200;

    /// <summary>All of it, without a break at the end.</summary>
    /// <param name="result">A result that did not pass.</param>
    /// <param name="place">Where the case stands, as in "budgets.json:12"; null for a case that no file holds.</param>
    public static string Of(CaseResult result, string? place) => string.Join('\n', Lines(result, place));

    /// <summary>The same, line by line: evidence may be as long as the file that it stands in.</summary>
    public static IEnumerable<string> Lines(CaseResult result, string? place)
    {
        var sentences = Sentence(result).Split('\n');
        yield return sentences[0];
        // None but the first begins a line: results may be a stranger's.
        foreach (var sentence in sentences[1..]) yield return $"  {sentence}";
        if (place is not null) yield return $"  {place}: '{PrintableText.Escape(result.Name)}', because {PrintableText.Escape(result.Why)}";
        foreach (var (head, evidence) in Evidence(result))
        {
            yield return $"  {head}";
            foreach (var line in evidence) yield return $"    {line}";
        }
    }

    /// <summary>What is wrong; a line for each budget that was missed.</summary>
    public static string Sentence(CaseResult result) => result.Message ?? $"'{PrintableText.Escape(result.Name)}' did not pass";

    /// <summary>What there is to look at, each part under a head: peaks by phase, who held the memory, the program's last lines.</summary>
    public static IEnumerable<(string Head, IReadOnlyList<string> Lines)> Evidence(CaseResult result) => Parts(result).Select(part => (part.Head, First(part.Lines)));

    // A load has some phases and uses; of a file that has millions a line for each takes longer than all else.
    private static IReadOnlyList<string> First(IEnumerable<string> lines)
    {
        List<string> first = [.. lines.Take(MostLines)];
        if (lines.TryGetNonEnumeratedCount(out var count) && count > MostLines) first.Add($"and {count - MostLines} more");
        return first;
    }

    private static IEnumerable<(string Head, IEnumerable<string> Lines)> Parts(CaseResult result)
    {
        if (result.Phases is { } phases)
        {
            yield return ("peak anonymous memory by phase:", phases.Select(p => $"{p.Phase,-10} {ByteSize.Format(p.PeakAnonymousBytes),10}"));
        }

        if (result.Passes is { } passes) yield return ("uses of the weights:", passes.Select(PassText.Of));
        if (result.Memory is { } memory)
        {
            var killed = result.Outcome == Outcome.Killed;
            yield return MemoryText.Classes(memory, killed);
            if (killed && memory.Processes.Count > 0) yield return ("the largest processes then:", MemoryText.Processes(memory));
            if (MemoryText.Elsewhere(memory) is { } elsewhere) yield return ("charged to others:", [elsewhere]);
        }

        foreach (var held in result.Holders ?? []) yield return (HoldersText.Head(result, held), HoldersText.Largest(held));
        // The worker's own lines, which may be cut, are for programs: what they say stands above.
        if (result.LastLines?.Where(line => !line.StartsWith(WorkerJson.Start, StringComparison.Ordinal)).ToList() is { Count: > 0 } said) yield return ("the last lines of its output:", said);
    }
}
