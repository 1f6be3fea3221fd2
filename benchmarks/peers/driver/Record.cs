using System.Text.Json.Serialization;
using Loadline.Checkpoints;
using Loadline.Harness.Results;

namespace Loadline.Benchmarks;

/// <summary>One run of one contender.</summary>
/// <param name="Seconds">Of the load, by the program's own clock, after start-up and import.</param>
/// <param name="TouchSeconds">Of reading every weight once after it.</param>
/// <param name="AgainSeconds">Of the same in a process that has done it before.</param>
/// <param name="PeakAnonymousBytes">Of the container, by readings from outside.</param>
internal sealed record Measured(double Seconds, double? TouchSeconds, double? AgainSeconds, long? PeakAnonymousBytes)
{
    [JsonIgnore]
    public double WithTouch => Seconds + (TouchSeconds ?? 0);
}

/// <summary>All runs of one contender in one group.</summary>
internal sealed record Row(string Group, string Model, bool Cold, string Name, Side Side, CheckpointFormat Format, long CapBytes)
{
    public List<Measured> Runs { get; init; } = [];

    [JsonIgnore]
    public long? PeakAnonymousBytes => Runs.Max(r => r.PeakAnonymousBytes);

    /// <summary>The median over all runs.</summary>
    public double Median(Func<Measured, double> of) => Runs.Select(of).Median();

    /// <summary>The fastest and the slowest run.</summary>
    public (double Least, double Most) Spread(Func<Measured, double> of) => (Runs.Min(of), Runs.Max(of));
}

/// <summary>One run of the comparison, on one machine.</summary>
internal sealed record PeersRecord(string Date, RunEnvironment Environment, string Peers, IReadOnlyDictionary<string, long> WeightBytes, IReadOnlyList<Row> Rows)
{
    public Row Find(string group, string model, bool cold, string name) =>
        Rows.Single(r => r.Group == group && r.Model == model && r.Cold == cold && r.Name == name);

    /// <summary>A record of nothing yet.</summary>
    public static PeersRecord Empty(string date, RunEnvironment environment, string peers) => new(date, environment, peers, new Dictionary<string, long>(), []);

    /// <summary>Whether a group was measured.</summary>
    public bool Has(Group group) => Rows.Any(r => r.Group == group.Name && r.Model == group.Model && r.Cold == group.Cold);

    public static PeersRecord Read(string path) => RecordJson.Read<PeersRecord>(path);

    public void Write(string path) => RecordJson.Write(path, this);
}
