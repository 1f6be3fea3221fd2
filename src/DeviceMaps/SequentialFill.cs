using Loadline.Tensors;

namespace Loadline.DeviceMaps;

/// <summary>Puts modules onto devices, one device after another, in the order of the model.</summary>
/// <remarks>
/// The rules are those of <c>infer_auto_device_map</c> of Hugging Face Accelerate, whose users know what to expect of them. A module goes where it fits
/// with all that is tied to it; one that does not is replaced by its parts, or, where it must not be split, goes to the next device, and a device that was
/// left is not come back to. Where something is offloaded, room is kept on the first accelerator and on the CPU for the largest layer that is still to come,
/// because it comes back there to be computed with. (Accelerate's documentation says so, too; its code keeps that room where accelerators hold all, and
/// so leaves the first of them emptier than the others.)
/// </remarks>
internal sealed class SequentialFill
{
    // Each split looks through all ties again, from each tensor up to what waits: a model has some dozens, and a million steps take a tenth of a second and more.
    private const long MaxStepsOfTies = 8_000_000;

    // What is found is put into a set and a list, asked for its own ties, measured, and asked whether it can be split.
    private const int StepsPerFound = 6;

    private readonly ModuleTree _tree;
    private readonly IReadOnlyList<DeviceLimit> _limits;
    private readonly bool _offloads;
    private readonly LinkedList<ModuleNode> _waiting = [];
    private readonly Dictionary<ModuleNode, LinkedListNode<ModuleNode>> _waits = [];
    private readonly Dictionary<ModuleNode, Device> _placed = [];
    private readonly long[] _usedBytes;
    private readonly long[] _keptBytes;
    private readonly LargestLayers _onAccelerator;
    private readonly LargestLayers _onHost;
    private readonly Dictionary<ModuleNode, List<IReadOnlyList<ModuleNode>>> _tiesOf = [];
    private long _stepsOfTies;

    private SequentialFill(ModuleTree tree, IReadOnlyList<DeviceLimit> limits, bool offloads)
    {
        (_tree, _limits, _offloads) = (tree, limits, offloads);
        foreach (var module in tree.Top) _waits.Add(module, _waiting.AddLast(module));
        (_usedBytes, _keptBytes) = (new long[limits.Count], new long[limits.Count]);
        (_onAccelerator, _onHost) = (new(tree, m => m.Bytes.Accelerator), new(tree, m => m.Bytes.Host));
    }

    /// <summary>Fills the devices.</summary>
    /// <exception cref="DeviceMapException">They do not hold the model.</exception>
    public static Filling Run(ModuleTree tree, IReadOnlyList<DeviceLimit> limits)
    {
        var onAccelerators = new SequentialFill(tree, limits, offloads: false);
        if (onAccelerators.TryRun() is { } filling) return filling;
        if (limits.All(l => l.Device.IsAccelerator)) throw onAccelerators.DoesNotFit();
        var offloading = new SequentialFill(tree, limits, offloads: true) { _stepsOfTies = onAccelerators._stepsOfTies };
        return offloading.TryRun() ?? throw offloading.DoesNotFit();
    }

    private Filling? TryRun()
    {
        for (var device = 0; device < _limits.Count; device++)
        {
            if (_offloads || _limits[device].Device.IsAccelerator) Fill(device);
            if (_waiting.Count == 0) return new(_placed, _keptBytes);
        }

        return null;
    }

    private void Fill(int index)
    {
        var limit = _limits[index];
        while (_waiting.First?.Value is { } module)
        {
            var tied = WithTies(module);
            // All that has no place yet lies in the last one that waits.
            var kept = KeepsRoom(index) && _waiting.Count > 1 ? Layers(limit.Device).Largest(_placed, module) : 0;
            var room = limit.Bytes is { } bytes ? bytes - kept - _usedBytes[index] : long.MaxValue;
            var moduleBytes = module.Bytes.On(limit.Device);
            if (tied.Sum(m => m.Bytes.On(limit.Device)) <= room) Place(tied, index);
            else if (moduleBytes <= room && tied.Skip(1).FirstOrDefault(CanSplit) is { } part) Split(part);
            else if (moduleBytes >= room && CanSplit(module)) Split(module);
            else
            {
                _keptBytes[index] = kept;
                return;
            }
        }
    }

    private bool KeepsRoom(int index) => _offloads && (index == 0 || !_limits[index].Device.IsAccelerator);

    private LargestLayers Layers(Device device) => device.IsAccelerator ? _onAccelerator : _onHost;

    /// <summary>The module, and all that are tied to it directly or by way of others: they share memory, which lies on one device.</summary>
    private List<ModuleNode> WithTies(ModuleNode module)
    {
        var found = new List<ModuleNode> { module };
        if (!_tree.Ties.Any()) return found;
        var known = new HashSet<ModuleNode> { module };
        // Each group once: thousands of tensors may share one storage.
        var groups = new HashSet<IReadOnlyList<ModuleNode>>();
        for (var i = 0; i < found.Count; i++)
        {
            foreach (var tensor in TiesOf(found[i]).Where(groups.Add).SelectMany(tied => tied))
            {
                if ((_stepsOfTies += 1 + tensor.Depth) > MaxStepsOfTies) throw TooManyTies(module);
                if (tensor.Within(_waits.ContainsKey) is not { } other || !known.Add(other)) continue;
                found.Add(other);
                _stepsOfTies += StepsPerFound;
            }
        }

        return found;
    }

    // All of a module is looked through for them, once: it waits while others are split, and is asked for again after each.
    private List<IReadOnlyList<ModuleNode>> TiesOf(ModuleNode module)
    {
        if (!_tiesOf.TryGetValue(module, out var ties)) _tiesOf.Add(module, ties = [.. _tree.TiesOf(module).Distinct()]);
        return ties;
    }

    private void Place(List<ModuleNode> modules, int index)
    {
        foreach (var module in modules)
        {
            Remove(module);
            _placed.Add(module, _limits[index].Device);
            _usedBytes[index] += module.Bytes.On(_limits[index].Device);
        }
    }

    private static bool CanSplit(ModuleNode module) => !module.IsWhole;

    private void Split(ModuleNode module)
    {
        foreach (var child in module.Children) _waits.Add(child, _waiting.AddBefore(_waits[module], child));
        Remove(module);
    }

    private void Remove(ModuleNode module)
    {
        _waits.Remove(module, out var place);
        _waiting.Remove(place!);
    }

    private static DeviceMapException TooManyTies(ModuleNode module) =>
        new($"{NameList.Of([module.Name])} shares memory with so many modules that no map is computed: give one (--map FILE)");

    private DeviceMapException DoesNotFit()
    {
        var names = _waiting.Select(m => m.Name).ToList();
        var bytes = _waiting.Sum(m => m.Bytes.Host);
        var places = string.Join(", ", _limits.Select(l => $"{l.Device.NameInList} ({ByteSize.Format(l.Bytes ?? 0)}: {l.Why})"));
        return new($"{NameList.Of(names)} {(names.Count == 1 ? "does" : "do")} not fit, {ByteSize.Format(bytes)} in all: there is {places}; {Advice()}");
    }

    private string Advice() => _limits.Any(l => l.Device == Device.Cpu) ? "add disk to the devices" : "add cpu or disk to the devices";
}

/// <summary>What lies where, and what was kept free on each device.</summary>
/// <param name="Placed">Modules that cover all tensors.</param>
/// <param name="KeptBytes">As many as devices.</param>
internal sealed record Filling(IReadOnlyDictionary<ModuleNode, Device> Placed, IReadOnlyList<long> KeptBytes);
