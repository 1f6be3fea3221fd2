using System.Text;
using Loadline.Checkpoints;

namespace Loadline.Benchmarks;

/// <summary>The record for people.</summary>
internal static class Markdown
{
    public static string Of(PeersRecord record, string model)
    {
        var text = new StringBuilder();
        text.Append(null, $"# Side by side, {record.Date}\n\n");
        text.Append(null, $"{record.Environment.Runtime}, kernel {record.Environment.Kernel}, {record.Environment.Cores} cores, {ByteSize.Format(record.Environment.RamBytes)}; {record.Peers}.\n");
        text.Append("Medians of the runs, seconds by each program's own clock after start-up, import and the load of a tiny checkpoint, fastest and slowest in brackets; `read` is one pass over all weights after the load;\n");
        text.Append("`anon` is the container's highest anonymous memory, start-up included. Nearly all free memory is held in use until a program's clock starts, and what it\n");
        text.Append("will take is given back then, so that nobody pays for pages that a virtual machine had lent to its host meanwhile. Made by `benchmarks/peers/run`.\n");
        var loads = record.Rows.Where(r => r.Group == "load").GroupBy(r => r.Model);
        foreach (var models in loads.OrderBy(m => record.WeightBytes[m.Key])) Loads(text, models.Key, record.WeightBytes[models.Key], [.. models]);
        AsMet(text, record);
        IntoModules(text, record);
        UnderCaps(text, record);
        EarlierBuild.Write(text, record, WithTouch);
        Starts(text, record);
        Opens(text, record);
        Techniques(text, record);
        text.Append("\n## Targets\n\n").Append(Target.Table(Targets.All(record, model)));
        return text.ToString();
    }

    private static void Loads(StringBuilder text, string model, long weightBytes, List<Row> rows)
    {
        text.Append(null, $"\n## {model}, float32, {ByteSize.Format(weightBytes)}, {rows.Max(r => r.Runs.Count)} runs{Earlier(rows[0])}\n\n| | | warm s | + read | cold s | + read | anon MiB | × weights |\n|---|---|--:|--:|--:|--:|--:|--:|\n");
        foreach (var contender in rows.GroupBy(r => (r.Name, r.Side)))
        {
            var (warm, cold) = (contender.FirstOrDefault(r => !r.Cold), contender.FirstOrDefault(r => r.Cold));
            var peak = contender.Max(r => r.PeakAnonymousBytes) ?? 0;
            text.Append(null, $"| {contender.Key.Side} | {contender.Key.Name} | {Seconds(warm)} | {Touch(warm)} | {Seconds(cold)} | {Touch(cold)} | {peak / ByteSize.MiB} | {(double)peak / weightBytes:0.00} |\n");
        }
    }

    private static void AsMet(StringBuilder text, PeersRecord record)
    {
        if (!record.Rows.Any(r => r.Group == Group.AsMet)) return;
        text.Append("\n## As met\n\nNobody holds memory: before each run the page cache is dropped (and the checkpoint read into it, for warm runs), and 15 seconds are waited, in which a\nvirtual machine gives free memory back to its host. Contenders in another order each round: one finds the memory that the one before it gave back last, and that is not lent yet.\n\n| | | s | + read | anon MiB |\n|---|---|--:|--:|--:|\n");
        foreach (var row in record.Rows.Where(r => r.Group == Group.AsMet))
            text.Append(null, $"| {row.Side} | {row.Name}, {row.Model}, {(row.Cold ? "cold" : "warm")}, {row.Runs.Count} runs{Earlier(row)} | {Seconds(row)} | {Touch(row)} | {(row.PeakAnonymousBytes ?? 0) / ByteSize.MiB} |\n");
    }

    private static void IntoModules(StringBuilder text, PeersRecord record)
    {
        var rows = record.Rows.Where(r => r.Group == Group.Modules).ToList();
        if (rows.Count == 0) return;
        text.Append(null, $"\n## Into a module of TorchSharp's, as met, cold\n\n{rows[0].Model}, {rows[0].Runs.Count} runs{Earlier(rows[0])}, making the module included; a forward of three tokens after it.\n\n| | | s | forward, s | anon MiB |\n|---|---|--:|--:|--:|\n");
        foreach (var row in rows) text.Append(null, $"| {row.Side} | {row.Name}, {row.Format.Name()} | {Seconds(row)} | {Touch(row)} | {(row.PeakAnonymousBytes ?? 0) / ByteSize.MiB} |\n");
    }

    private static void UnderCaps(StringBuilder text, PeersRecord record)
    {
        var caps = CapRate.All.Where(c => record.Rows.Any(r => r.Group == c.Group)).ToList();
        if (caps.Count == 0) return;
        text.Append("\n## Under caps, cold\n\nSeconds until every weight was read once; S is all weights. Where there is none, the weights do not fit.\n\n| |");
        foreach (var cap in caps) text.Append(null, $" {cap.Name} |");
        text.Append("\n|---|").Append(string.Concat(Enumerable.Repeat("--:|", caps.Count))).Append('\n');
        foreach (var contender in CapRate.Contenders)
        {
            text.Append(null, $"| {contender.Name} |");
            foreach (var cap in caps) text.Append(null, $" {(record.Rows.FirstOrDefault(r => r.Group == cap.Group && r.Name == contender.Name) is { } row ? WithTouch(row) : "")} |");
            text.Append('\n');
        }
    }

    private static void Starts(StringBuilder text, PeersRecord record)
    {
        text.Append("\n## Start-up, from outside\n\n| | | s | anon MiB |\n|---|---|--:|--:|\n");
        foreach (var row in record.Rows.Where(r => r.Group == "start")) text.Append(null, $"| {row.Side} | {row.Name}{Earlier(row)} | {Seconds(row)} | {(row.PeakAnonymousBytes ?? 0) / ByteSize.MiB} |\n");
    }

    private static void Opens(StringBuilder text, PeersRecord record)
    {
        text.Append("\n## Open and index\n\n| | | first ms | again ms |\n|---|---|--:|--:|\n");
        foreach (var row in record.Rows.Where(r => r.Group == "open"))
            text.Append(null, $"| {row.Side} | {row.Name}, {row.Model}{Earlier(row)} | {1000 * row.Median(r => r.Seconds):0.0} | {1000 * row.Median(r => r.AgainSeconds!.Value):0.0} |\n");
    }

    private static void Techniques(StringBuilder text, PeersRecord record)
    {
        text.Append("\n## What each technique brings\n\nThe same load as it is and without it, in turn; on the CPU until every weight was read once.\n\n| | | with, s | without, s | without takes |\n|---|---|--:|--:|--:|\n");
        foreach (var technique in Technique.All)
        {
            var rows = record.Rows.Where(r => r.Group == technique.Name).ToList();
            if (rows is [var with, var without])
                text.Append(null, $"| {technique.Name}{Earlier(with)} | {technique.Load} | {WithTouch(with)} | {WithTouch(without)} | {without.Median(r => r.WithTouch) / with.Median(r => r.WithTouch):0.00} × |\n");
        }
    }

    private static string Earlier(Row row) => row.Date is { } date ? $", {date}" : "";

    private static string Seconds(Row? row) => row is null ? "" : Times(row, r => r.Seconds);

    private static string WithTouch(Row row) => Times(row, r => r.WithTouch);

    private static string Times(Row row, Func<Measured, double> of) => $"{row.Median(of):0.00} ({row.Spread(of).Least:0.00}–{row.Spread(of).Most:0.00})";

    private static string Touch(Row? row) => row?.Runs[0].TouchSeconds is null ? "" : $"{row.Median(r => r.TouchSeconds!.Value):0.00}";
}
