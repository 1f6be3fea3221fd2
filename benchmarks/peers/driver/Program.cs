
// Ours and theirs in turn, in the same capped containers: peers IMAGE CONTENDER PEERS.PY FOLDER RUNS MODEL…
// What the folder's record has of the same day is not measured again: one that was broken off goes on. What it has of earlier days of this machine, and
// is not measured now, keeps its date. Without runs only the pages are written again. LOADLINE_PEERS_GROUPS, names with commas between, measures those only.
// LOADLINE_PEERS_EARLIER, the path of an earlier build's contender, has it load in turn with this one.
using System.Globalization;
using Loadline.Benchmarks;
using Loadline.Harness.Making;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes.Choosing;

if (args is not [var image, var contender, var peers, var folder, var runsText, .. { Length: > 0 } models] || !int.TryParse(runsText, out var runs))
{
    Console.Error.WriteLine("peers: write peers IMAGE CONTENDER PEERS.PY FOLDER RUNS MODEL…");
    return 2;
}

var recordPath = Path.Combine(folder, "peers.json");
if (runs > 0) await MeasureAsync();
var record = PeersRecord.Read(recordPath);
var main = record.WeightBytes.ContainsKey("gpt2-medium") ? "gpt2-medium" : record.WeightBytes.First().Key;
File.WriteAllText(Path.Combine(folder, $"{record.Date}-peers.md"), Markdown.Of(record, main));
if (record.Rows.Any(r => r.Group == "load")) File.WriteAllText(Path.Combine(folder, "peers.svg"), Picture.Of(record));
foreach (var row in ReadmeTable.Rows(record, main)) Console.WriteLine(row);
foreach (var target in Targets.All(record, main)) Console.WriteLine($"{target.Verdict,-6} {target.Ratio,6:0.00}  {target.What}");
return 0;

async Task MeasureAsync()
{
    using var stop = new CancellationTokenSource();
    Console.CancelKeyPress += (_, e) => (e.Cancel, _) = (true, stop.CancelAsync());
    await using var runtime = await RuntimeChooser.ChooseAsync("docker", WorkerBinary.Find(), stop.Token);
    using var measuring = new Measuring(runtime, new CheckpointCache(CheckpointCache.DefaultFolder(), new SyntheticCheckpointMaker()), image, contender, peers);
    var date = DateTime.Now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
    var record = PeersRecord.Empty(date, RunEnvironment.Of(runtime), image);
    if (File.Exists(recordPath) && PeersRecord.Read(recordPath) is var before && (before.Environment, before.Peers) == (record.Environment, record.Peers)) record = before.On(date);
    var weights = new Dictionary<string, long>(record.WeightBytes);
    foreach (var model in models) weights[model] = measuring.WeightBytes(model);
    record = record with { WeightBytes = weights };
    var wanted = Environment.GetEnvironmentVariable("LOADLINE_PEERS_GROUPS")?.Split(',');
    foreach (var group in Group.All(models).Where(g => !record.Has(g) && wanted?.Contains(g.Name) != false).ToList())
    {
        Console.Error.WriteLine($"{group.Name} {group.Model} {(group.Cold ? "cold" : "warm")}: {group.Contenders.Count} contenders, {runs} runs");
        record = record.With(group, await measuring.RunAsync(group, runs, stop.Token));
        // Half an hour of measuring is not to be lost for its last minute.
        record.Write(recordPath);
    }
}
