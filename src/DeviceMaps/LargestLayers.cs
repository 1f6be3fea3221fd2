using Loadline.Tensors;

namespace Loadline.DeviceMaps;

/// <summary>
/// The largest of the layers that have no place yet. Each is looked at once, but for those of the module in question, which are while another has that place.
/// </summary>
internal sealed class LargestLayers(ModuleTree tree, Func<ModuleNode, long> bytes)
{
    private readonly List<ModuleNode> _largestFirst = [.. tree.Layers.OrderByDescending(bytes)];
    private int _next;
    private (int Placed, ModuleNode? LeaveOut, long Bytes) _last;

    /// <summary>Its bytes, leaving out what lies inside a module; 0 where nothing is left.</summary>
    public long Largest(IReadOnlyDictionary<ModuleNode, Device> placed, ModuleNode leaveOut)
    {
        // Asked again after each module that is split, of which the answer knows nothing.
        if (_last.LeaveOut == leaveOut && _last.Placed == placed.Count) return _last.Bytes;
        _last = (placed.Count, leaveOut, Find(placed, leaveOut));
        return _last.Bytes;
    }

    private long Find(IReadOnlyDictionary<ModuleNode, Device> placed, ModuleNode leaveOut)
    {
        while (_next < _largestFirst.Count && IsPlaced(_largestFirst[_next])) _next++;
        for (var i = _next; i < _largestFirst.Count; i++)
        {
            if (!_largestFirst[i].IsWithin(leaveOut) && !IsPlaced(_largestFirst[i])) return bytes(_largestFirst[i]);
        }

        return 0;

        bool IsPlaced(ModuleNode layer) => layer.Within(placed.ContainsKey) is not null;
    }
}
