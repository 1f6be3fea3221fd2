using Loadline.DeviceMaps;
using Loadline.Tensors;

namespace Loadline.Strategies;

/// <summary>The texts that command lines and budget files have for devices and maps, taken into <see cref="LoadOptions"/>.</summary>
public static class MapArguments
{
    /// <summary>Takes in <c>--device</c>: one device, or several with commas between them.</summary>
    /// <exception cref="FormatException">Something in it is no device.</exception>
    public static LoadOptions WithDevices(this LoadOptions options, string text)
    {
        if (!IsList(text)) return options with { Device = Device.Parse(text) };
        var devices = DeviceList.Parse(text);
        return options.Mapped(map => map with { Devices = devices }) with { Device = devices.FirstOrDefault(d => d != Device.Disk) ?? Device.Cpu };
    }

    /// <summary>Takes in <c>--map</c>: a rule's name, or the path of a map.</summary>
    /// <exception cref="DeviceMapException">It is neither.</exception>
    public static LoadOptions WithMap(this LoadOptions options, string text) =>
        options.Mapped(map => MapRules.TryParse(text, out var rule) ? map with { Rule = rule } : map with { Given = DeviceMap.ReadFile(text) });

    /// <summary>Takes in <c>--max-memory</c>, as in <c>sim:0=1GiB,cpu=2GiB</c>.</summary>
    /// <exception cref="FormatException">It is no list of limits.</exception>
    public static LoadOptions WithMaxMemory(this LoadOptions options, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var limits = new Dictionary<string, long>();
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (item.Split('=', StringSplitOptions.TrimEntries) is not [var device, var size] || !ByteSize.TryParse(size, out var bytes))
            {
                throw new FormatException($"'{item}' is no limit: write a device of the list and a size, as in sim:0=1GiB,cpu=2GiB");
            }

            if (!limits.TryAdd(device, bytes)) throw new FormatException($"'{text}' has a limit for {device} twice");
        }

        return options.Mapped(map => map with { MaxMemory = limits });
    }

    /// <summary>Takes in <c>--no-split</c>: patterns with commas between them, or <c>none</c>.</summary>
    public static LoadOptions WithNoSplit(this LoadOptions options, string text) =>
        options.Mapped(map => map with { NoSplit = text == "none" ? [] : text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) });

    /// <summary>Takes in all that says where weights go; null for what was not given.</summary>
    /// <exception cref="FormatException">A device or a limit is none.</exception>
    /// <exception cref="DeviceMapException">The map cannot be read.</exception>
    public static LoadOptions WithPlaces(this LoadOptions options, string devices, string? map, string? maxMemory, string? noSplit)
    {
        options = options.WithDevices(devices);
        if (map is not null) options = options.WithMap(map);
        if (maxMemory is not null) options = options.WithMaxMemory(maxMemory);
        return noSplit is null ? options : options.WithNoSplit(noSplit);
    }

    /// <summary>Takes in <c>--offload-folder</c>.</summary>
    public static LoadOptions WithOffloadFolder(this LoadOptions options, string path) => options.Mapped(map => map with { OffloadFolder = path });

    /// <summary>Whether a text for a map is a file's path rather than a rule's name.</summary>
    public static bool IsFile(string text) => !MapRules.Names.Contains(text);

    /// <summary>A text for a map that means the same from every folder.</summary>
    public static string Absolute(string text, string folder) => IsFile(text) ? Path.GetFullPath(text, folder) : text;

    /// <summary>Whether a text for devices is one that only a map can use.</summary>
    public static bool IsList(string text) => text == "disk" || text.Contains(',');

    private static LoadOptions Mapped(this LoadOptions options, Func<DeviceMapOptions, DeviceMapOptions> change) =>
        options with { DeviceMap = change(options.DeviceMap ?? new()) };
}
