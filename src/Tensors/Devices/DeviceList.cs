using System.Collections;
using System.Collections.Immutable;

namespace Loadline.Tensors;

/// <summary>
/// The devices that a model may be spread over, in the order in which they are filled: accelerators as given, then <c>cpu</c>, then <c>disk</c>.
/// </summary>
public sealed class DeviceList : IReadOnlyList<Device>
{
    private readonly ImmutableArray<Device> _devices;

    private DeviceList(ImmutableArray<Device> devices) => _devices = devices;

    /// <inheritdoc/>
    public int Count => _devices.Length;

    /// <inheritdoc/>
    public Device this[int index] => _devices[index];

    /// <summary>One device alone.</summary>
    public static DeviceList Of(Device device) => new([device]);

    /// <summary>Devices that are in order, accelerators numbered.</summary>
    internal static DeviceList Of(IEnumerable<Device> devices) => new([.. devices]);

    /// <summary>Reads a list as in <c>cuda:0,cuda:1,cpu,disk</c> or <c>sim:2GiB,sim:2GiB,cpu,disk</c>.</summary>
    /// <exception cref="FormatException">Something in it is no device, or stands there twice.</exception>
    public static DeviceList Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var accelerators = new List<Device>();
        var (cpu, disk, simulated) = (0, 0, 0);
        var (last, device) = ((string?)null, Device.Cpu);
        foreach (var name in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (name == "disk") disk++;
            // Mostly they are alike.
            else if (name != last && !Device.TryParse(last = name, out device!)) throw new FormatException($"'{name}' is not a device of a list: use cuda:N, sim:CAPACITY as in sim:4GiB, cpu and disk");
            else if (device.Kind == DeviceKind.Sim) accelerators.Add(device with { Index = simulated++ });
            else if (!device.IsAccelerator) cpu++;
            else if (accelerators.Contains(device)) throw new FormatException($"'{text}' has {device} twice");
            else accelerators.Add(device);
        }

        if (cpu > 1 || disk > 1) throw new FormatException($"'{text}' has {(cpu > 1 ? "cpu" : "disk")} twice");
        return new([.. accelerators, .. Enumerable.Repeat(Device.Cpu, cpu), .. Enumerable.Repeat(Device.Disk, disk)]);
    }

    /// <summary>Finds a device by its name in the list, as in <c>sim:0</c>; null where it is not there.</summary>
    public Device? Find(string name) => _devices.FirstOrDefault(d => d.NameInList == name);

    /// <inheritdoc/>
    public IEnumerator<Device> GetEnumerator() => _devices.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The list as <see cref="Parse"/> reads it.</summary>
    public override string ToString() => string.Join(",", _devices);
}
