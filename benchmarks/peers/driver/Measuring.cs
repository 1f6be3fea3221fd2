using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;

namespace Loadline.Benchmarks;

/// <summary>Runs contenders in turn, each in a container of its own under the same cap.</summary>
internal sealed class Measuring(IContainerRuntime runtime, CheckpointCache cache, string image, string contenderPath, string peersPath)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(3);

    /// <summary>All runs of a group: round by round, so that what changes on the machine meanwhile meets everybody.</summary>
    public async Task<IReadOnlyList<Row>> RunAsync(Group group, int runs, CancellationToken cancellation)
    {
        var rows = group.Contenders.Select(c => new Row(group.Name, group.Model, group.Cold, c.Name, c.Side, c.Format, group.CapBytes(WeightBytes(group.Model)))).ToList();
        for (var run = 0; run < runs; run++)
        {
            foreach (var (row, contender) in rows.Zip(group.Contenders)) row.Runs.Add(await RunAsync(row, contender, cancellation));
        }

        return rows;
    }

    /// <summary>The bytes of a model's weights.</summary>
    public long WeightBytes(string model)
    {
        using var checkpoint = Checkpoint.Open(PathOf(model, CheckpointFormat.Pth));
        return checkpoint.Entries.Sum(e => e.ByteCount);
    }

    private async Task<Measured> RunAsync(Row row, Contender contender, CancellationToken cancellation)
    {
        var path = PathOf(row.Model, contender.Format);
        if (row.Cold) PageCacheState.Cool(path);
        else PageCacheState.Warm(path);

        var spec = new ContainerSpec
        {
            Command = [.. contender.Command.Select(a => a.Replace("{checkpoint}", path).Replace("{contender}", contenderPath).Replace("{peers}", peersPath))],
            CapBytes = row.CapBytes,
            Mounts = [path, contenderPath, peersPath],
            Image = image,
            Timeout = Timeout,
        };
        using var memory = new FreshMemory(MemoryOf(row));
        var lines = new List<string>();
        var ended = await runtime.RunAsync(spec, Take, cancellation);
        if (ended.ExitCode != 0 || lines is not [.., var line])
        {
            throw new InvalidOperationException($"{contender.Name} on {row.Model} under {ByteSize.Format(row.CapBytes)}: exit code {ended.ExitCode}: {string.Join(" / ", ended.ErrorLines)}");
        }

        using var said = JsonDocument.Parse(line);
        return new Measured(Number("seconds")!.Value, Number("touchSeconds"), Number("againSeconds"), ended.AnonymousPeakBytes);

        void Take(string text)
        {
            if (text == "ready") memory.Dispose();
            else lines.Add(text);
        }

        double? Number(string name) => said.RootElement.TryGetProperty(name, out var value) ? value.GetDouble() : null;
    }

    // What it took before, or at first twice the weights, and the pages of the file if they are not cached.
    private long MemoryOf(Row row)
    {
        var weights = WeightBytes(row.Model);
        var needed = (row.PeakAnonymousBytes ?? 2 * weights) + ByteSize.GiB / 4 + (row.Cold ? weights : 0);
        return Math.Min(needed, MemoryLimit.Free() - ByteSize.GiB);
    }

    private string PathOf(string model, CheckpointFormat format) =>
        cache.Provide(new GeneratedCheckpoint(new CheckpointRecipe(model, format, DType.Float32, 0)) { Name = model }, "peers", _ => { }, CancellationToken.None);
}
