using Loadline.Tensors;

namespace Loadline.DeviceMaps;

/// <summary>How a map is computed. The rules are those of Hugging Face Accelerate's <c>infer_auto_device_map</c>, under its names.</summary>
public enum MapRule
{
    /// <summary>As <see cref="Balanced"/>.</summary>
    Auto,

    /// <summary>Accelerators share the model as evenly as its layers allow.</summary>
    Balanced,

    /// <summary>The other accelerators share the model, and the first takes only what they do not hold: it is left to work with.</summary>
    BalancedLow0,

    /// <summary>Each device is filled before the next.</summary>
    Sequential,
}

/// <summary>The rules' names, as Accelerate has them.</summary>
public static class MapRules
{
    private static readonly (string Name, MapRule Rule)[] Rules =
    [
        ("auto", MapRule.Auto), ("balanced", MapRule.Balanced), ("balanced_low_0", MapRule.BalancedLow0), ("sequential", MapRule.Sequential),
    ];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Rules.Select(r => r.Name)];

    /// <summary>The rule of a name; false where it is none.</summary>
    public static bool TryParse(string name, out MapRule rule)
    {
        var index = Array.FindIndex(Rules, r => r.Name == name);
        rule = index >= 0 ? Rules[index].Rule : default;
        return index >= 0;
    }
}

/// <summary>What <c>device-map</c> goes by. Immutable; every default is what suits a model that is spread over what is there.</summary>
public sealed record DeviceMapOptions
{
    /// <summary>Where weights may go; null takes the one device of the load.</summary>
    public DeviceList? Devices { get; init; }

    /// <summary>How the map is computed; plays no part where one is <see cref="Given"/>.</summary>
    public MapRule Rule { get; init; }

    /// <summary>A map that is to be taken instead, prefix to device name: <see cref="DeviceMap.ReadFile"/>.</summary>
    public IReadOnlyDictionary<string, string>? Given { get; init; }

    /// <summary>
    /// The most that a device may hold, by its name in the list. Others may hold their capacity, and the CPU what is really free: a limit above that
    /// does not make more memory.
    /// </summary>
    public IReadOnlyDictionary<string, long> MaxMemory { get; init; } = new Dictionary<string, long>();

    /// <summary>
    /// Modules that are never split over devices, by the last parts of their names, with <c>*</c> for any one part: <c>trf_blocks.*</c>. Null takes the
    /// blocks of the models that are known here.
    /// </summary>
    public IReadOnlyList<string>? NoSplit { get; init; }

    /// <summary>
    /// Where weights of <c>disk</c> are written that cannot stay mapped in the checkpoint, because they are compressed there. Null refuses them. Takes
    /// their size on disk once; what lies there is taken again after its digest was checked.
    /// </summary>
    public string? OffloadFolder { get; init; }
}
