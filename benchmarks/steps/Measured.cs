using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Distributed;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Formats;
using Loadline.Checkpoints.Index;

namespace Loadline.Benchmarks.Steps;

/// <summary>What opening a file took: the least of several times, the first of which compiles.</summary>
internal sealed record Measured(string Name, double Milliseconds, long Steps, long Granted, long PeakBytes, string End)
{
    private const int Times = 3;
    private const string DigestsEnd = ".digests.json";

    public double NanosecondsPerStep => Milliseconds * 1e6 / Steps;

    public static Measured Of(string name, string path)
    {
        Measured? best = null;
        for (var time = 0; time < Times; time++)
        {
            var one = Open(name, path);
            if (best is null || one.Milliseconds < best.Milliseconds) best = one with { PeakBytes = Math.Max(one.PeakBytes, best?.PeakBytes ?? 0) };
        }

        return best!;
    }

    private static Measured Open(string name, string path)
    {
        GC.Collect();
        var (ledger, end) = (new Ledger(), "");
        using var heap = new PeakHeap();
        var before = Environment.CpuUsage.TotalTime;
        try
        {
            using var index = OpenFile(path, ledger);
            end = $"{index.Entries.Count} tensors";
        }
        catch (CheckpointException e)
        {
            end = Cut(e.Problem, 70);
        }

        var taken = Environment.CpuUsage.TotalTime - before;
        return new Measured(name, taken.TotalMilliseconds, Math.Max(1, ledger.Taken + ledger.ForGuesses.Taken), ledger.Granted, heap.Stop(), end);
    }

    private static CheckpointIndex OpenFile(string path, Ledger ledger)
    {
        if (path.EndsWith(DigestsEnd, StringComparison.Ordinal)) Digests.Find(path[..^DigestsEnd.Length]);
        using var file = SourceFile.Open(path, PositionedReads.OfTheKernel, ledger);
        if (Path.GetFileName(path) == DistributedReader.MetadataName) DistributedMetadata.Read(file);
        return FileFormats.Read(file);
    }

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..length];

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"| {Name} | {NanosecondsPerStep:0.0} | {Milliseconds:0} | {Steps / 1e6:0.0} | {Granted / 1e6:0.0} | {PeakBytes / 1e6:0} | {End} |");
}
