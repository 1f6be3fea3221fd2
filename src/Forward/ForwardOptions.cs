using Loadline.DeviceMaps.Dispatch;

namespace Loadline.Forward;

/// <summary>How a model that was loaded computes.</summary>
/// <param name="Heads">The heads of each block; null where they are 64 wide.</param>
/// <param name="ResidentBytes">As <see cref="DispatchOptions.ResidentBytes"/>.</param>
public sealed record ForwardOptions(int? Heads = null, long? ResidentBytes = null);
