using System.Text;
using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Harness.Drafting;

/// <summary>
/// Puts measured budgets into a budget file. Only the sizes change: reasons, order and layout stay to the byte, so that the change can be reviewed.
/// </summary>
internal static class BudgetUpdate
{
    // More than any has, or will in some years.
    private const long MostDeviceBytes = 16L << 40;

    private static readonly string[] Members = ["peakAnonymous", "peakHost", "peakDevice"];

    /// <summary>The file's new bytes, and a line for each change: "budgets.json:12: 'NAME': peakAnonymous 54MiB becomes 18MiB".</summary>
    /// <param name="path">For messages.</param>
    /// <param name="utf8">The file.</param>
    /// <param name="results">Those that loaded as expected count; what did not run or did not load is left alone.</param>
    /// <param name="headroomBytes">See <see cref="MeasuredBudget"/>.</param>
    /// <param name="raise">Whether budgets of cases that missed them are raised, too.</param>
    /// <exception cref="InputException">The file is no budget file, or the results are of other cases.</exception>
    public static Updated Apply(string path, byte[] utf8, ResultFile results, long headroomBytes, bool raise)
    {
        // Whoever reads it strictly need not fear what follows.
        var budgets = BudgetReader.Read(path, utf8);
        var measured = results.Cases.ToDictionary(c => c.Name);
        var (edits, missed, matched) = (new List<Edit>(), new List<string>(), 0);
        foreach (var (budget, json) in budgets.Cases.Zip(LocatedJson.Parse(utf8).Members.Single(m => m.Name == "cases").Value.Items))
        {
            // Texts of results come in escaped.
            if (!measured.TryGetValue(PrintableText.Escape(budget.Name), out var result)) continue;
            if (result.Subject != budget.Subject) throw new InputException($"{path}:{budget.Line}: '{PrintableText.Escape(budget.Name)}' is {budget.Subject}, but the results are of {result.Subject}");
            if (Alteration(budget, result) is { } other) throw new InputException($"{path}:{budget.Line}: '{PrintableText.Escape(budget.Name)}' is another case in the results: {other}; measure it as it is now");
            matched++;
            if (budget.Expect == Outcome.Loaded && result.Outcome != Outcome.Loaded)
                missed.Add($"{path}:{budget.Line}: '{PrintableText.Escape(budget.Name)}': was {result.Outcome.Name()}, which no budget repairs");
            if (budget.Expect != Outcome.Loaded || result.Outcome != Outcome.Loaded) continue;
            if (Impossible(result, budget.CapBytes) is { } what) throw new InputException($"{path}:{budget.Line}: '{PrintableText.Escape(budget.Name)}': the results say that it {what}: nobody measured that");
            if (!raise && Missed(budget, result) is { } miss)
            {
                missed.Add($"{path}:{budget.Line}: '{PrintableText.Escape(budget.Name)}': missed its budget and keeps it; --raise takes over what was measured: {miss}");
                continue;
            }

            edits.AddRange(Edits(budget, json, new MeasuredBudget(result with { CapBytes = budget.CapBytes }, headroomBytes)));
        }

        if (matched == 0) throw new InputException($"{path}: none of its {budgets.Cases.Count} cases is among the {results.Cases.Count} that were measured");
        var updated = Apply(utf8, edits);
        // Whatever somebody's results say, the file can be read afterwards.
        _ = BudgetReader.Read(path, updated);
        return new Updated(updated, [.. edits.Select(e => $"{path}:{e.Line}: {e.What}")], missed, matched);
    }

    // What a budget is not for: with another of these the same peak is that of another load. A map's path is one of another checkout.
    private static string? Alteration(BudgetCase budget, CaseResult result) => CaseAlterations.Between(
        result, CaseResult.Of(budget, result.Outcome, result.Pass), member => (member.Alters && member.Name != "map") || member.Name is "engine" or "gpus").FirstOrDefault();

    // By the run's own budgets, or by those that stand there now.
    private static string? Missed(BudgetCase budget, CaseResult result)
    {
        if (!result.Pass) return result.Message?.Split('\n')[0] ?? "it did not pass";
        return Over("anonymous memory", result.HeldBytes, budget.PeakAnonymousBytes) ?? Over("host memory", result.HostBytes, budget.PeakHostBytes)
            ?? Over("device memory", result.DeviceBytes, budget.PeakDeviceBytes);

        static string? Over(string what, long? held, long? limit) =>
            held > limit ? $"{ByteSize.Format(held.Value)} of {what}, where {ByteSize.Format(limit.Value)} is allowed" : null;
    }

    // Results may be a stranger's, and the file that is changed is believed from then on.
    private static string? Impossible(CaseResult result, long capBytes)
    {
        var most = capBytes + CgroupMemory.CountErrorBytes;
        return result switch
        {
            { HeldBytes: < 0 } or { HostBytes: < 0 } or { DeviceBytes: < 0 } => "held less than nothing",
            // Another program may be too short to be seen with any.
            { HeldBytes: 0, Strategy: not null } => "held nothing",
            { HeldBytes: { } held } when held > most => $"held {ByteSize.Format(held)} of anonymous memory under a cap of {ByteSize.Format(capBytes)}",
            { HostBytes: { } host } when host > most => $"held {ByteSize.Format(host)} on the host under a cap of {ByteSize.Format(capBytes)}",
            { DeviceBytes: > MostDeviceBytes } => $"held {ByteSize.Format(result.DeviceBytes.Value)} on a device",
            _ => null,
        };
    }

    private static IEnumerable<Edit> Edits(BudgetCase budget, LocatedJson json, MeasuredBudget measured)
    {
        foreach (var member in Members)
        {
            var value = json.Members.FirstOrDefault(m => m.Name == member).Value;
            if (measured.Correction(member, value is null ? null : ByteSize.Parse(value.Text)) is not { } size) continue;
            if (value is not null)
            {
                yield return new Edit(value.Bytes, $"\"{size}\"", value.Line, $"'{PrintableText.Escape(budget.Name)}': {member} {value.Text} becomes {size}");
                continue;
            }

            var expect = json.Members.Single(m => m.Name == "expect").Value;
            yield return new Edit(expect.Bytes.End..expect.Bytes.End, $", \"{member}\": \"{size}\"", expect.Line, $"'{PrintableText.Escape(budget.Name)}': {member} {size} is new");
        }
    }

    private static byte[] Apply(byte[] utf8, IEnumerable<Edit> edits)
    {
        using var updated = new MemoryStream(utf8.Length);
        var copied = 0;
        // What several put in one place stands there last first.
        foreach (var edit in edits.OrderByDescending(e => e.Bytes.Start.Value).Reverse())
        {
            updated.Write(utf8.AsSpan(copied, edit.Bytes.Start.Value - copied));
            updated.Write(Encoding.UTF8.GetBytes(edit.Text));
            copied = edit.Bytes.End.Value;
        }

        updated.Write(utf8.AsSpan(copied));
        return updated.ToArray();
    }

    /// <summary>What became of a budget file.</summary>
    /// <param name="Text">Its new bytes.</param>
    /// <param name="Changes">A line for each change.</param>
    /// <param name="Missed">A line for each case that was not as expected and is left as it is.</param>
    /// <param name="Matched">How many of its cases were measured.</param>
    public sealed record Updated(byte[] Text, IReadOnlyList<string> Changes, IReadOnlyList<string> Missed, int Matched);

    private sealed record Edit(Range Bytes, string Text, int Line, string What);
}
