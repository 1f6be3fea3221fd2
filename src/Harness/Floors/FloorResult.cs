using System.Text.Json.Serialization;
using Loadline.Harness.Budgets;

namespace Loadline.Harness.Floors;

/// <summary>The lowest cap that a load survives. The members are the contract of <c>loadline floor --json</c>.</summary>
/// <param name="FloorBytes">The floor, in whole MiB.</param>
/// <param name="Probes">Every load that it took to find it, in order; the first one had all of the RAM.</param>
internal sealed record FloorResult(long FloorBytes, IReadOnlyList<FloorProbe> Probes);

/// <summary>One load.</summary>
/// <param name="CapBytes">Its cap.</param>
/// <param name="Outcome">What became of it; all but <c>loaded</c> is no survival.</param>
internal sealed record FloorProbe(long CapBytes, Outcome Outcome);

/// <summary>JSON for <see cref="FloorResult"/>, without reflection.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FloorResult))]
internal sealed partial class FloorJson : JsonSerializerContext;
