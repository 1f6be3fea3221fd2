using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Making;
using Loadline.Harness.Runtimes;
using Loadline.Tensors.Engines;

namespace Loadline.Benchmarks;

/// <summary>Runs contenders in turn, each in a container of its own under the same cap.</summary>
internal sealed class Measuring(IContainerRuntime runtime, CheckpointCache cache, string image, string contenderPath, string peersPath) : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan MetPause = TimeSpan.FromSeconds(15);

    private readonly HeldMemory _memory = new();
    private readonly HashSet<string> _used = [];
    private readonly string _goFolder = Directory.CreateTempSubdirectory("loadline-peers-").FullName;

    /// <summary>All runs of a group: round by round, so that what changes on the machine meanwhile meets everybody.</summary>
    public async Task<IReadOnlyList<Row>> RunAsync(Group group, int runs, CancellationToken cancellation)
    {
        var rows = group.Contenders.Select(c => new Row(group.Name, group.Model, group.Cold, c.Name, c.Side, c.Format, group.CapBytes(WeightBytes(group.Model)))).ToList();
        for (var run = 0; run < runs * group.Times; run++)
        {
            int[] turns = [.. Enumerable.Range(0, rows.Count)];
            // As met, a contender finds the memory that the one before it gave back last, and that is not lent yet: nobody is to follow the same one each time.
            if (group.IsAsMet) new Random(run).Shuffle(turns);
            foreach (var turn in turns) rows[turn].Runs.Add(await RunAsync(group, rows[turn], group.Contenders[turn], cancellation));
        }

        return rows;
    }

    /// <summary>The bytes of a model's weights.</summary>
    public long WeightBytes(string model)
    {
        using var checkpoint = Checkpoint.Open(PathOf(model, CheckpointFormat.Pth));
        return checkpoint.Entries.Sum(e => e.ByteCount);
    }

    private async Task<Measured> RunAsync(Group group, Row row, Contender contender, CancellationToken cancellation)
    {
        var path = PathOf(row.Model, contender.Format);
        var go = Path.Combine(_goFolder, "go");
        File.Delete(go);
        var neededBytes = 0L;
        if (group.IsAsMet) await LeaveAloneAsync(row, path, cancellation);
        else neededBytes = Prepare(row, path);
        var spec = new ContainerSpec
        {
            Command = [.. contender.Command.Select(a => a.Replace(Contender.Worker, ContainerSpec.Worker).Replace("{model}", row.Model)
                .Replace("{checkpoint}", path).Replace("{contender}", contenderPath).Replace(EarlierBuild.Placeholder, EarlierBuild.ContenderPath).Replace("{peers}", peersPath)
                .Replace("{go}", go).Replace("{tiny}", Path.Combine(Path.GetDirectoryName(contenderPath)!, "tiny." + contender.Format.Name()))
                .Replace("{without}", Path.Combine(Path.GetDirectoryName(contenderPath)!, "without", "contender")))],
            CapBytes = row.CapBytes,
            Mounts = [path, Path.GetDirectoryName(contenderPath)!, peersPath, _goFolder, .. EarlierBuild.Mounts],
            Image = contender.Command[0] == Contender.Worker ? null : image,
            Engine = contender.Command[0] == Contender.Worker ? EngineNames.TorchSharp : EngineNames.Native,
            IsWatched = true,
            Timeout = Timeout,
        };
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
            if (text != "ready")
            {
                lines.Add(text);
                return;
            }

            if (!group.IsAsMet) _memory.Release(neededBytes);
            File.Create(go).Dispose();
        }

        double? Number(string name) => said.RootElement.TryGetProperty(name, out var value) ? value.GetDouble() : null;
    }

    public void Dispose()
    {
        _memory.Dispose();
        Directory.Delete(_goFolder, recursive: true);
    }

    /// <summary>Caches the checkpoint or evicts it, and holds the memory that is left. What a run takes of it: what it took before, or at first twice the
    /// weights, and the pages of the file if they are not cached.</summary>
    private long Prepare(Row row, string path)
    {
        var weights = WeightBytes(row.Model);
        var needed = (row.PeakAnonymousBytes ?? 2 * weights) + ByteSize.GiB + (row.Cold ? weights : 0);
        if (row.Cold) PageCacheState.Cool(path);
        else if (!PageCacheState.IsWarm(path))
        {
            _memory.Release(weights + ByteSize.GiB / 2);
            PageCacheState.Warm(path);
        }

        // Whoever needs memory that the page cache holds would wait for the kernel to find it there.
        _used.Add(path);
        if (_memory.FreeBytes < needed + ByteSize.GiB / 2)
        {
            foreach (var other in _used.Where(used => used != path)) PageCache.Evict(other);
        }

        _memory.Take();
        return needed;
    }

    /// <summary>A page cache with at most the checkpoint, and time for the free memory to go back to the host.</summary>
    private async Task LeaveAloneAsync(Row row, string path, CancellationToken cancellation)
    {
        _memory.Dispose();
        PageCacheState.Cool(path);
        PageCacheState.DropAll();
        if (!row.Cold) PageCacheState.Warm(path);
        await Task.Delay(MetPause, cancellation);
    }

    private string PathOf(string model, CheckpointFormat format) =>
        cache.Provide(new GeneratedCheckpoint(new CheckpointRecipe(model, format, DType.Float32, 0)) { Name = model }, "peers", _ => { }, CancellationToken.None);
}
