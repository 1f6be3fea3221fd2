using System.Text.Json.Serialization;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Floors;

/// <summary>The two ends of the zone between. The members are the contract of <c>loadline floor --json</c>.</summary>
/// <param name="FloorBytes">The lowest cap that is survived, in whole MiB.</param>
/// <param name="ComfortBytes">
/// The lowest cap at which nothing is read again, which is the floor where nothing is mapped; null where even all of the RAM is too little,
/// or nobody can tell what is read.
/// </param>
/// <param name="Probes">Every run that it took to find them, in order; the first had all of the RAM.</param>
internal sealed record FloorResult(long FloorBytes, long? ComfortBytes, IReadOnlyList<FloorProbe> Probes);

/// <summary>One run.</summary>
/// <param name="CapBytes">Its cap.</param>
/// <param name="Outcome">
/// What became of it: <c>thrashed</c> where it lived and read again; all but that and <c>loaded</c> is no survival.
/// </param>
/// <param name="Reread">
/// The share of its weights that the last use read again, or of what a program reads at all; null where nobody can tell.
/// </param>
internal sealed record FloorProbe(long CapBytes, Outcome Outcome, double? Reread);

/// <summary>JSON for <see cref="FloorResult"/>, without reflection.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FloorResult))]
internal sealed partial class FloorJson : JsonSerializerContext;
