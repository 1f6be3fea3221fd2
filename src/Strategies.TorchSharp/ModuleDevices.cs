using System.Runtime.CompilerServices;
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

    /// <summary>Refuses a GPU that is not there, before anything is changed.</summary>
    /// <exception cref="InvalidOperationException">The message says which one.</exception>
    public void RequireGpus()
    {
        foreach (var place in _map.Values.Append(_all).Where(place => place.type == DeviceType.CUDA))
        {
            if (!torch.cuda.is_available()) throw new InvalidOperationException($"weights cannot be loaded onto {place}: CUDA is not available here");
            if (place.index >= torch.cuda.device_count()) throw new InvalidOperationException($"weights cannot be loaded onto {place}: of {torch.cuda.device_count()} GPUs the first is cuda:0");
        }
    }

    /// <summary>Refuses a map that names what the module does not have: it would be taken for placed.</summary>
    /// <exception cref="ArgumentException">The message says which name.</exception>
    public void RequireNames(torch.nn.Module module)
    {
        if (_map.Count == 0) return;
        var known = module.named_modules().Select(m => m.name).Concat(module.state_dict().Keys).Append("").ToHashSet();
        if (_map.Keys.FirstOrDefault(name => !known.Contains(name)) is { } unknown) throw new ArgumentException($"the device map names '{unknown}', which module {module.GetName()} does not have");
    }

    /// <summary>Brings along what a load left as it was, and tells TorchSharp.</summary>
    public void Settle(torch.nn.Module module)
    {
        // Where there is no GPU all of it is on the CPU now. Looking takes memory that a load need not take, unless TorchSharp was told of another place (meta).
        if (TypeOf(module) == DeviceType.CPU && !torch.cuda.is_available()) return;
        Gather(module);
        Tell(module);
    }

    // A head that the checkpoint lacks computes with the rest.
    private void Gather(torch.nn.Module module)
    {
        foreach (var slot in Slot.Of(module))
        {
            var device = Of(slot.Names[0]);
            if (slot.Tensor.device_type != DeviceType.META && !NativeModules.IsOn(device, slot.Tensor)) new Seat(slot, device, module).Move();
        }
    }

    // TorchSharp remembers of each module where it is, and what it is told to do again it leaves out. Its own `to` would say the same, but takes `cuda` for another
    // device than the `cuda:0` of the tensors, and makes each parameter a new object for it: an optimizer would keep the old ones, and of two modules with one
    // weight the second would be left with what the first gave up.
    private void Tell(torch.nn.Module module, string path = "")
    {
        var tensors = module.state_dict().Values.Concat(HiddenBuffers.Of(module).Select(b => b.Tensor)).Where(t => t.device_type != DeviceType.META).ToList();
        var device = Of(path.TrimEnd('.'));
        (TypeOf(module), IndexOf(module)) = Told(tensors.Count > 0 ? tensors.Select(t => (t.device_type, t.device_index)) : [(device.type, device.index)]);
        foreach (var (name, child) in module.named_children()) Tell(child, $"{path}{name}.");
    }

    /// <summary>What TorchSharp is to remember of a module with tensors there.</summary>
    internal static (DeviceType Type, int Index) Told(IEnumerable<(DeviceType Type, int Index)> places)
    {
        // The first GPU is what cuda() asks for, without a number. No call asks for the CPU with one: in several places each call finds something to do.
        var distinct = places.Select(p => (p.Type, p is (DeviceType.CUDA, > 0) ? p.Index : -1)).Distinct().ToList();
        return distinct is [var one] ? one : (DeviceType.CPU, 0);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_deviceType")]
    private static extern ref DeviceType TypeOf(torch.nn.Module module);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_deviceIndex")]
    private static extern ref int IndexOf(torch.nn.Module module);
}
