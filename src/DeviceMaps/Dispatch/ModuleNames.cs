namespace Loadline.DeviceMaps.Dispatch;

/// <summary>The names of a model's tensors, to be found by their module. Sorted once: of many modules each would look at all names otherwise.</summary>
internal sealed class ModuleNames
{
    private readonly (string Name, int Place)[] _sorted;

    /// <param name="names">In the model's order.</param>
    public ModuleNames(IEnumerable<string> names)
    {
        _sorted = [.. names.Select((name, place) => (name, place))];
        Array.Sort(_sorted, static (one, other) => string.CompareOrdinal(one.Name, other.Name));
    }

    /// <summary>Those of a module and of what it consists of, in the model's order.</summary>
    public IReadOnlyList<string> Of(string module)
    {
        var prefix = module + ".";
        var first = 0;
        for (var end = _sorted.Length; first < end;)
        {
            var middle = first + (end - first) / 2;
            if (string.CompareOrdinal(_sorted[middle].Name, prefix) < 0) first = middle + 1;
            else end = middle;
        }

        var last = first;
        while (last < _sorted.Length && _sorted[last].Name.StartsWith(prefix, StringComparison.Ordinal)) last++;
        return [.. _sorted[first..last].OrderBy(named => named.Place).Select(named => named.Name)];
    }
}
