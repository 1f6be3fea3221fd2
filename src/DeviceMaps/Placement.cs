using Loadline.Tensors;

namespace Loadline.DeviceMaps;

/// <summary>Turns modules with devices into a map: few prefixes, one for all that goes to one device together.</summary>
internal sealed class Placement
{
    private readonly IReadOnlyDictionary<ModuleNode, Device> _placed;
    private readonly DeviceMap _map;
    private readonly List<KeyValuePair<string, Device>> _prefixes = [];
    private readonly Dictionary<Device, long> _usedBytes = [];

    private Placement(IReadOnlyDictionary<ModuleNode, Device> placed, DeviceList devices) =>
        (_placed, _map) = (placed, new DeviceMap(devices, _prefixes));

    /// <summary>The plan of modules that cover all tensors, those inside others taking precedence.</summary>
    /// <param name="tree">The model.</param>
    /// <param name="limits">The devices.</param>
    /// <param name="placed">Modules and where they go.</param>
    /// <param name="keptBytes">What is kept free, as many as limits.</param>
    public static DeviceMapPlan Plan(
        ModuleTree tree, IReadOnlyList<DeviceLimit> limits, IReadOnlyDictionary<ModuleNode, Device> placed, IReadOnlyList<long> keptBytes)
    {
        var placement = new Placement(placed, DeviceList.Of([.. limits.Select(l => l.Device)]));
        var root = placement.Place(tree.Root, above: null);
        placement.Name(tree.Root, root);
        placement.CountBytes(tree);
        var uses = limits.Select((l, i) => new DeviceUse(l.Device, placement._usedBytes.GetValueOrDefault(l.Device), l.Bytes, keptBytes[i], l.Why));
        return new(placement._map, [.. uses], root);
    }

    private PlacedModule Place(ModuleNode node, Device? above)
    {
        var device = _placed.GetValueOrDefault(node) ?? above;
        if (node.IsTensor) _map.Put(node.Tensor!.Name, device!);
        var parts = node.Children.Select(child => Place(child, device)).ToList();
        if (parts.Count > 0) device = parts.TrueForAll(p => p.Device == parts[0].Device) && (!node.IsTensor || device == parts[0].Device) ? parts[0].Device : null;
        return new(node.Part, node.Bytes.Host, device, device is null ? parts : []);
    }

    private void Name(ModuleNode node, PlacedModule placed)
    {
        if (placed.Device is { } device) _prefixes.Add(new(node.Name, device));
        else if (node.IsTensor) _prefixes.Add(new(node.Name, _map.DeviceOf(node.Name)));
        foreach (var (child, part) in node.Children.Zip(placed.Parts)) Name(child, part);
    }

    private void CountBytes(ModuleTree tree)
    {
        foreach (var tensor in tree.Root.Below().Where(n => n.IsTensor))
        {
            var device = _map.DeviceOf(tensor.Tensor!.Name);
            _usedBytes[device] = checked(_usedBytes.GetValueOrDefault(device) + tree.OwnBytes(tensor).On(device));
        }
    }
}
