using System.Text.Json.Serialization;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Runtimes;

namespace Loadline.Harness.Results;

/// <summary>The fingerprint of where results were measured.</summary>
/// <param name="Kernel">Release, as <c>uname -r</c> prints it.</param>
/// <param name="CgroupVersion">1 or 2.</param>
/// <param name="Runtime">As in "docker 20.10.24, cgroup v1".</param>
/// <param name="Engine">The engine that cases took unless they named one.</param>
/// <param name="Gpu">The first GPU's model, null where there is none.</param>
/// <param name="Driver">Its driver's version.</param>
/// <param name="Cores">Processors that this process may use.</param>
/// <param name="RamBytes">Of the machine.</param>
internal sealed record RunEnvironment(
    string Kernel, int CgroupVersion, string Runtime, string Engine, string? Gpu, string? Driver, int Cores, long RamBytes)
{
    /// <summary>The runtime without its version: <c>docker</c> or <c>cgroup</c>.</summary>
    [JsonIgnore]
    public string RuntimeName => Runtime.Split(' ')[0];

    /// <summary>What no machine has, as what stands behind "the environment"; null where there is nothing such. (Of a cluster that told nothing all are 0.)</summary>
    [JsonIgnore]
    public string? Problem =>
        Cores < 0 ? $"has {Cores} cores"
        : RamBytes < 0 ? $"has {RamBytes} bytes of memory"
        : CgroupVersion is < 0 or > 2 ? $"has version {CgroupVersion} of cgroups"
        : null;

    /// <summary>Reads it off this machine.</summary>
    public static RunEnvironment Of(IContainerRuntime runtime) => new(
        KernelRelease(),
        runtime.CgroupVersion,
        runtime.Description,
        Known.Engines[0],
        Nvidia.Here.Gpu,
        Nvidia.Here.Driver,
        Environment.ProcessorCount,
        MemoryLimit.PhysicalBytes());

    /// <summary>Whether figures of both can stand in one picture: loads in containers and programs beside them may.</summary>
    public bool IsOnTheMachineOf(RunEnvironment other) =>
        (Kernel, CgroupVersion, Cores, RamBytes, Gpu) == (other.Kernel, other.CgroupVersion, other.Cores, other.RamBytes, other.Gpu);

    /// <summary>As <c>uname -r</c> prints it.</summary>
    public static string KernelRelease() => File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
}
