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

    /// <summary>The day, where it is an earlier one than the record's.</summary>
    public string? Date { get; init; }

    [JsonIgnore]
    public long? PeakAnonymousBytes => Runs.Max(r => r.PeakAnonymousBytes);

    /// <summary>The median over all runs.</summary>
    public double Median(Func<Measured, double> of) => Runs.Select(of).Median();

    /// <summary>The fastest and the slowest run.</summary>
    public (double Least, double Most) Spread(Func<Measured, double> of) => (Runs.Min(of), Runs.Max(of));
}

/// <summary>The comparison on one machine. Groups are measured again one by one: those of earlier days keep their date.</summary>
internal sealed record PeersRecord(string Date, RunEnvironment Environment, string Peers, IReadOnlyDictionary<string, long> WeightBytes, IReadOnlyList<Row> Rows)
{
    /// <summary>A contender's runs; null where they were not measured.</summary>
    public Row? Find(string group, string model, bool cold, string name) =>
        Rows.SingleOrDefault(r => r.Group == group && r.Model == model && r.Cold == cold && r.Name == name);

    /// <summary>A record of nothing yet.</summary>
    public static PeersRecord Empty(string date, RunEnvironment environment, string peers) => new(date, environment, peers, new Dictionary<string, long>(), []);

    /// <summary>What goes on: the same on a later day, whose rows are of earlier ones by then.</summary>
    public PeersRecord On(string date) => date == Date ? this : this with { Date = date, Rows = [.. Rows.Select(r => r with { Date = r.Date ?? Date })] };

    /// <summary>Whether a group was measured on the record's day.</summary>
    public bool Has(Group group) => Rows.Any(r => IsOf(r, group) && r.Date is null);

    /// <summary>A group's new rows instead of its old ones.</summary>
    public PeersRecord With(Group group, IEnumerable<Row> rows) => this with { Rows = [.. Rows.Where(r => !IsOf(r, group)), .. rows] };

    private static bool IsOf(Row row, Group group) => row.Group == group.Name && row.Model == group.Model && row.Cold == group.Cold;

    public static PeersRecord Read(string path) => RecordJson.Read<PeersRecord>(path);

    public void Write(string path) => RecordJson.Write(path, this);
}
