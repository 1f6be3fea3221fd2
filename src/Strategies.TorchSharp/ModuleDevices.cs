using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Which part of a module goes where.</summary>
internal sealed class ModuleDevices
{
    private readonly torch.Device _all;
    private readonly IReadOnlyDictionary<string, torch.Device> _map;

    /// <param name="device">For everything that the map does not name; null is the CPU.</param>
    /// <param name="map">Devices by name of a module or parameter; null for none.</param>
    /// <exception cref="ArgumentException">A device is neither cpu nor cuda.</exception>
    public ModuleDevices(torch.Device? device, IReadOnlyDictionary<string, torch.Device>? map)
    {
        _map = map ?? new Dictionary<string, torch.Device>();
        _all = device ?? _map.GetValueOrDefault("") ?? torch.CPU;
        foreach (var place in _map.Values.Append(_all))
        {
            if (place.type is not (DeviceType.CPU or DeviceType.CUDA)) throw new ArgumentException($"weights are loaded onto cpu or cuda, not onto {place}");
        }
    }

    /// <summary>The device of a parameter or buffer: that of the longest name in the map which is its own or a module's around it.</summary>
    public torch.Device Of(string name)
    {
        for (var part = name; part is not ""; part = part.LastIndexOf('.') is >= 0 and var dot ? part[..dot] : "")
        {
            if (_map.TryGetValue(part, out var device)) return device;
        }

        return _all;
    }

    /// <summary>Refuses a map that names what the module does not have: it would be taken for placed.</summary>
    /// <exception cref="ArgumentException">The message says which name.</exception>
    public void RequireNames(torch.nn.Module module)
    {
        if (_map.Count == 0) return;
        var known = module.named_modules().Select(m => m.name).Concat(module.state_dict().Keys).Append("").ToHashSet();
        if (_map.Keys.FirstOrDefault(name => !known.Contains(name)) is { } unknown) throw new ArgumentException($"the device map names '{unknown}', which module {module.GetName()} does not have");
    }

    /// <summary>Tells TorchSharp, which remembers of each module where it is, what is there already.</summary>
    public void Tell(torch.nn.Module module) => Tell(module, "");

    private void Tell(torch.nn.Module module, string path)
    {
        var devices = module.state_dict().Keys.Select(name => Of(path + name)).Distinct().ToList();
        if (devices is [{ type: DeviceType.CUDA } device])
        {
            module.to(device);
            return;
        }

        // Else a module that was on a GPU before would take its own word that it is there still, and cuda() would do nothing.
        if (devices is [{ type: DeviceType.CPU }] && torch.cuda.is_available()) module.cpu();
        if (devices.Count < 2) return;
        foreach (var (name, child) in module.named_children()) Tell(child, $"{path}{name}.");
    }
}
