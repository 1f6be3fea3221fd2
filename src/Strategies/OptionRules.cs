using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Strategies;

/// <summary>What makes no sense among the options of a load.</summary>
internal static class OptionRules
{
    /// <summary>The options themselves.</summary>
    /// <exception cref="ArgumentException">Something in them makes no sense.</exception>
    public static LoadOptions Validated(this LoadOptions options)
    {
        var strategy = StrategyCatalog.Find(options.Strategy);
        if (options.DeviceMap is not null && !strategy.NeedsMap) throw new ArgumentException($"{options.Strategy} loads onto one device and takes no map: only device-map does");
        if (!EngineNames.All.Contains(options.Engine)) throw EngineNames.Unknown(options.Engine);
        if (options.Device.Kind == DeviceKind.Meta) throw new ArgumentException("meta is no device to load onto: its tensors have no memory");
        if (options.RingBytes < LoadOptions.SmallestRingBytes)
        {
            throw new ArgumentException($"a ring of {ByteSize.Format(options.RingBytes)} is too small: give it {ByteSize.Format(LoadOptions.SmallestRingBytes)} or more");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(options.Readers, 1);
        _ = options.Names.Validated();
        return options;
    }
}
