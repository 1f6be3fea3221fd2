using Loadline.Tensors;

namespace Loadline.DeviceMaps;

/// <summary>Holds a map that was given against the model and the limits. What a reader of the map did not mean must not be loaded quietly.</summary>
internal static class GivenMap
{
    public static DeviceMapPlan Check(ModuleTree tree, IReadOnlyList<DeviceLimit> limits, IReadOnlyDictionary<string, string> given)
    {
        var placed = new Dictionary<ModuleNode, Device>();
        var unknown = new List<string>();
        // From the names in the map down: those of the modules would have to be put together, each again for all that lies in it.
        foreach (var (prefix, name) in given)
        {
            if (tree.Find(prefix) is { } node) placed.Add(node, DeviceOf(limits, prefix, name));
            else unknown.Add(prefix);
        }

        if (unknown.Count > 0) throw new DeviceMapException($"the map names {NameList.Of(unknown)}, but the checkpoint has no module or tensor of that name: take {(unknown.Count == 1 ? "it" : "them")} out");
        RequireEveryTensor(tree, placed);
        RequireTiesTogether(tree, placed);
        var plan = Placement.Plan(tree, limits, placed, new long[limits.Count]);
        RequireLimits(tree, plan);
        return plan;
    }

    private static Device DeviceOf(IReadOnlyList<DeviceLimit> limits, string prefix, string name) =>
        limits.FirstOrDefault(l => l.Device.NameInList == name)?.Device
        ?? throw new DeviceMapException($"the map puts {NameList.Of([$"'{prefix}'"])} on {NameList.Of([name])}, but the devices are {string.Join(", ", limits.Select(l => l.Device.NameInList))}");

    private static void RequireEveryTensor(ModuleTree tree, Dictionary<ModuleNode, Device> placed)
    {
        var left = tree.Root.Below().Where(n => n.IsTensor && n.Within(placed.ContainsKey) is null).Select(n => n.Name).ToList();
        if (left.Count > 0) throw new DeviceMapException($"the map leaves out {NameList.Of(left)}: give {(left.Count == 1 ? "it" : "them")} a device");
    }

    private static void RequireTiesTogether(ModuleTree tree, Dictionary<ModuleNode, Device> placed)
    {
        foreach (var tied in tree.Ties)
        {
            var apart = tied.FirstOrDefault(n => On(n) != On(tied[0]));
            if (apart is null) continue;
            throw new DeviceMapException($"the map puts {NameList.Of([tied[0].Name])} on {On(tied[0]).NameInList} and {NameList.Of([apart.Name])} on {On(apart).NameInList}, but the two share memory: put them on one device");
        }

        Device On(ModuleNode tensor) => placed[tensor.Within(placed.ContainsKey)!];
    }

    private static void RequireLimits(ModuleTree tree, DeviceMapPlan plan)
    {
        foreach (var use in plan.Uses)
        {
            if (use.LimitBytes is not { } limit || use.WeightBytes <= limit) continue;
            var names = plan.Map.Prefixes.Where(p => p.Value == use.Device).Select(p => p.Key == "" ? "the whole model" : p.Key).ToList();
            throw new DeviceMapException(
                $"the map puts {ByteSize.Format(use.WeightBytes)} on {use.Device.NameInList}, which may hold {ByteSize.Format(limit)} ({use.Why}): move some of {NameList.Of(names)}");
        }
    }
}
