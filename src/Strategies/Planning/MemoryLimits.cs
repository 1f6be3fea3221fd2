using Loadline.Gauges;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Strategies.Planning;

/// <summary>The memory that a load may take, its process included.</summary>
/// <param name="RamBytes">On the host.</param>
/// <param name="DeviceBytes">On the accelerator; 0 where the target is the host.</param>
public sealed record MemoryLimits(long RamBytes, long DeviceBytes)
{
    /// <summary>What is really there: the tightest limit of this process's cgroups, not the machine's RAM, and what the device has room for.</summary>
    /// <exception cref="GaugeException">The limit cannot be read: a guess would plan for memory that is not there.</exception>
    public static MemoryLimits Here(Device device) => new(MemoryLimit.Effective(), DeviceRoom.Here(device).Bytes);
}
