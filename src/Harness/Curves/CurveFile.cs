using System.Text.Json;
using System.Text.Json.Serialization;
using Loadline.Checkpoints.Files;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Harness.Curves;

/// <summary>
/// What loads and programs take under one cap after another: what <c>loadline curve</c> prints as JSON, keeps while it measures, and draws.
/// </summary>
/// <param name="Schema">Of this file; 1.</param>
/// <param name="Environment">Where it was measured.</param>
/// <param name="Lines">One for each strategy or program, in the order in which they were asked for.</param>
internal sealed record CurveFile(int Schema, RunEnvironment Environment, IReadOnlyList<CurveLine> Lines)
{
    /// <summary>The version that this program writes.</summary>
    public const int CurrentSchema = 1;

    // Ten strategies and a few programs; each is a row as wide as the longest name.
    private const int MostLines = 256;

    // A line has some twenty.
    private const int PointsPerLine = 64;
    private const int MostPoints = PointsPerLine * MostLines;
    private const int MostPasses = 1_000_000;
    private const int MostName = 200;

    // About, for the error of a full disk.
    private const long BytesPerLine = 4 * ByteSize.KiB;

    private static readonly StrangersJson<CurveFile> Strangers = new(CurveJson.Default);

    private static readonly CurveJson Written = new(LongStrings.WrittenBy(CurveJson.Default));

    /// <summary>The checkpoint's name; null where only programs ran.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>How often weights were used after each load; null where only programs ran.</summary>
    public int? Passes { get; init; }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InputException">It cannot be read, or holds no curve that this program knows.</exception>
    public static CurveFile Read(string path)
    {
        try
        {
            var curve = Strangers.Read(WholeFile.Read(path));
            return curve is { Schema: CurrentSchema } && curve.IsPossible() ? curve : throw new InputException($"{path}: holds no curve of `loadline curve`, or one of another version: name another file");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InputException($"{path}: is there and holds no curve of `loadline curve`: name another file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}");
        }
    }

    // What somebody else wrote: names once, points by cap, and figures that a run can have, so that whoever draws them comes to an end.
    private bool IsPossible() => Lines.Count is > 0 and <= MostLines
        && Lines.Sum(line => line.Points.Count) <= MostPoints && Lines.DistinctBy(line => line.Name).Count() == Lines.Count
        && Passes is null or (> 0 and <= MostPasses) && Lines.All(line => line.Name.Length <= MostName)
        && Lines.All(line => line.Points.All(point => point.IsPossible()) && line.IsByCap())
        // It lived under all of the RAM, or says why not.
        && Lines.All(line => line.Problem is not null || line.Points is [.., { Outcome: Outcome.Loaded or Outcome.Thrashed }]);

    /// <summary>Refuses lines that could be measured and not be read again.</summary>
    /// <param name="path">The file, for errors.</param>
    /// <param name="asked">What they are called.</param>
    /// <exception cref="InputException">They are too many with those that are there, or one has too long a name.</exception>
    public void RefuseMore(string? path, IReadOnlyCollection<string> asked)
    {
        if (asked.FirstOrDefault(name => name.Length > MostName) is { } name) throw new InputException($"'{NameList.Shortened(name)}' is a name of {name.Length} characters, more than the {MostName} that a curve's line may have: --name gives another");
        var lines = Lines.Select(line => line.Name).Union(asked).Count();
        var points = Lines.Sum(line => line.Points.Count) + PointsPerLine * (lines - Lines.Count);
        if (lines > MostLines || points > MostPoints) throw new InputException($"{path}: has {Lines.Count} lines, and no room for more: name another file");
    }

    /// <summary>The same with a line in the place of the one of its name, or behind all others.</summary>
    public CurveFile With(CurveLine line) => this with
    {
        Lines = Lines.Any(l => l.Name == line.Name) ? [.. Lines.Select(l => l.Name == line.Name ? line : l)] : [.. Lines, line],
    };

    /// <summary>Writes the file; nothing half-written ever stands under its name.</summary>
    /// <exception cref="IOException">The path cannot be written.</exception>
    public void Write(string path) => WholeFile.Write(path, BytesPerLine * Lines.Count, stream =>
    {
        WriteTo(stream);
        stream.WriteByte((byte)'\n');
    });

    /// <summary>Writes its text, in pieces: a stranger's words may be as long as the file.</summary>
    public void WriteTo(Stream stream) => JsonSerializer.Serialize(stream, this, Written.CurveFile);
}

/// <summary>One strategy or program under one cap after another.</summary>
/// <param name="Name">A strategy, or what a program is called.</param>
/// <param name="What">All that was run, in words: another curve goes on with this line only where it says the same.</param>
/// <param name="Points">By cap, the lowest first.</param>
internal sealed record CurveLine(string Name, string What, IReadOnlyList<CurvePoint> Points)
{
    /// <summary>Whether nothing is left to measure.</summary>
    public bool IsComplete { get; init; }

    /// <summary>Why there are no points; null where there are.</summary>
    public string? Problem { get; init; }

    /// <summary>
    /// The lowest cap from which on it lives, as finely as was measured; null where it lives under none, or under the lowest too.
    /// </summary>
    public long? FloorBytes => LowestOf(point => point.Outcome.Lives());

    /// <summary>The lowest cap from which on it is at ease.</summary>
    public long? ComfortBytes => LowestOf(point => point.IsAtEase);

    /// <summary>The same with another point.</summary>
    public CurveLine With(CurvePoint point) =>
        this with { Points = [.. Points.Where(p => p.CapBytes != point.CapBytes).Append(point).OrderBy(p => p.CapBytes)] };

    /// <summary>Whether its points stand by cap, each once.</summary>
    public bool IsByCap() => Points.Zip(Points.Skip(1)).All(two => two.First.CapBytes < two.Second.CapBytes);

    private long? LowestOf(Func<CurvePoint, bool> holds) => Points.Reverse().TakeWhile(holds).LastOrDefault()?.CapBytes;
}

/// <summary>One run.</summary>
/// <param name="CapBytes">Its cap.</param>
/// <param name="Outcome">What became of it: <c>thrashed</c> where it lived and read again.</param>
/// <param name="Seconds">Of the load; of a program, from its start to its end. Null where it did not end well.</param>
/// <param name="PassSeconds">Of the last use of the weights; null of a program.</param>
/// <param name="TotalSeconds">Of the load and all uses, or of the program.</param>
/// <param name="Reread">
/// What the last use read again, over the weights; of a program, what it read beyond what it reads with all of the RAM.
/// </param>
internal sealed record CurvePoint(long CapBytes, Outcome Outcome, double? Seconds, double? PassSeconds, double? TotalSeconds, double? Reread)
{
    // More than any machine has, and longer than anyone waits.
    private const long MostCapBytes = 1024 * ByteSize.TiB;
    private const double MostSeconds = 1e8;
    private const double MostReread = 1e9;
    private const double RoundedSeconds = 0.01;

    /// <summary>Whether nothing was read again.</summary>
    [JsonIgnore]
    public bool IsAtEase => Outcome == Outcome.Loaded && Reread < Rereads.Comfortable;

    /// <summary>Whether a run can have these figures.</summary>
    public bool IsPossible() => CapBytes is > 0 and <= MostCapBytes && Enum.IsDefined(Outcome) && IsSeconds(Seconds) && IsSeconds(PassSeconds) && IsSeconds(TotalSeconds)
        && Reread is null or (>= 0 and <= MostReread)
        && (Outcome.Lives() ? IsPossibleLife() : Seconds is null && PassSeconds is null && TotalSeconds is null && Reread is null);

    /// <summary>Of a run.</summary>
    public static CurvePoint Of(Floors.FloorProbe probe, CaseResult run)
    {
        if (!probe.Outcome.Lives()) return new CurvePoint(probe.CapBytes, probe.Outcome, null, null, null, null);
        var seconds = run.Seconds ?? run.WallSeconds;
        return new CurvePoint(
            probe.CapBytes,
            probe.Outcome,
            Math.Round(seconds, 3),
            run.Passes is { Count: > 0 } passes ? Math.Round(passes[^1].Seconds, 3) : null,
            Math.Round(seconds + (run.Passes?.Sum(pass => pass.Seconds) ?? 0), 3),
            probe.Reread is { } reread ? Math.Min(reread, MostReread) : null);
    }

    // Each of the times is rounded by itself.
    private bool IsPossibleLife() =>
        Seconds is not null && TotalSeconds >= Seconds && TotalSeconds + RoundedSeconds >= Seconds + (PassSeconds ?? 0)
        && (Outcome == Outcome.Thrashed) == (Reread >= Rereads.Comfortable);

    // A microsecond, or nothing: the logarithm of less is no place in a picture.
    private static bool IsSeconds(double? seconds) => seconds is null or 0 or (>= 1e-6 and <= MostSeconds);
}

/// <summary>JSON for curves, without reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(LongStrings)])]
[JsonSerializable(typeof(CurveFile))]
internal sealed partial class CurveJson : JsonSerializerContext;
