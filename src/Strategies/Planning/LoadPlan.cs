using Loadline.Tensors.Limits;

namespace Loadline.Strategies.Planning;

/// <summary>What every strategy would take, and which to choose. The members are the contract of <c>loadline plan --json</c>.</summary>
/// <param name="Limits">What the peaks were held against.</param>
/// <param name="Strategies">In the catalogue's order, without <c>auto</c>, which is the choice.</param>
/// <param name="Choice">The fastest that fits, of those as fast the one that takes the least memory; null where none fits.</param>
public sealed record LoadPlan(MemoryLimits Limits, IReadOnlyList<PlannedStrategy> Strategies, string? Choice);

/// <summary>One strategy's part of a plan.</summary>
/// <param name="Strategy">Its name.</param>
/// <param name="HostBytes">Its anonymous peak on the host, gross: <see cref="WorkerMemory.OwnBytes"/> and the memory for conversions included. Mapped pages are not in it: they can be reclaimed.</param>
/// <param name="DeviceBytes">Its peak on the accelerator; 0 where the target is the host.</param>
/// <param name="Fits">Whether it would survive: RAM is at least <see cref="WorkerMemory.CapFor"/>, and the device holds its part.</param>
/// <param name="Why">By how much it fits, or what is in its way.</param>
public sealed record PlannedStrategy(string Strategy, long HostBytes, long DeviceBytes, bool Fits, string Why);
