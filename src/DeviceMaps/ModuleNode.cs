using Loadline.Checkpoints;

namespace Loadline.DeviceMaps;

/// <summary>One tensor, or all tensors whose names begin with the same parts: what a map gives a device to.</summary>
internal sealed class ModuleNode(ModuleNode? parent, string part)
{
    // Most have none or one, and each that is there takes more than the rest of the node.
    private const int ManyChildren = 8;

    private List<ModuleNode>? _children;
    private Dictionary<string, ModuleNode>? _byPart;

    public ModuleNode? Parent => parent;

    /// <summary>The last part of the name.</summary>
    public string Part => part;

    /// <summary>The dotted name, which is a prefix of its tensors' names; empty for the root.</summary>
    public string Name
    {
        get
        {
            var parts = new Stack<string>();
            for (var node = this; node.Parent is not null; node = node.Parent) parts.Push(node.Part);
            return string.Join('.', parts);
        }
    }

    /// <summary>The tensor of exactly this name; null for a module that is none.</summary>
    public TensorEntry? Tensor { get; set; }

    /// <summary>Tensors of the module itself first, then its modules, in the order of a forward pass as far as names tell it.</summary>
    public IReadOnlyList<ModuleNode> Children => _children ?? (IReadOnlyList<ModuleNode>)[];

    /// <summary>How many modules it lies in.</summary>
    public int Depth { get; } = parent is null ? 0 : parent.Depth + 1;

    /// <summary>The storages whose first tensor lies here or below.</summary>
    public ModuleBytes Bytes { get; set; }

    /// <summary>Whether it goes to one device in any case: a tensor, a module that has nothing but tensors, or one that must not be split.</summary>
    public bool IsWhole { get; set; }

    public bool IsTensor => Tensor is not null;

    /// <summary>The child of a name, which is made where there is none.</summary>
    public ModuleNode Child(string name)
    {
        if (Find(name) is { } found) return found;
        var child = new ModuleNode(this, name);
        (_children ??= new(1)).Add(child);
        if (_byPart is not null) _byPart.Add(name, child);
        else if (_children.Count == ManyChildren) _byPart = _children.ToDictionary(c => c.Part);
        return child;
    }

    /// <summary>The child of a name; null where there is none.</summary>
    public ModuleNode? Find(string name) => _byPart is null ? _children?.Find(child => child.Part == name) : _byPart.GetValueOrDefault(name);

    /// <summary>Puts the children into another order, those of one key as they were.</summary>
    public void SortChildren<TKey>(Func<ModuleNode, TKey> key)
    {
        if (_children?.Count > 1) _children = [.. _children.OrderBy(key)];
    }

    /// <summary>All tensors that share memory with this one, itself among them; null where none does.</summary>
    public IReadOnlyList<ModuleNode>? Tied { get; set; }

    /// <summary>This and everything below it, each before its children. As long for one however deep it lies.</summary>
    public IEnumerable<ModuleNode> Below()
    {
        var open = new Stack<ModuleNode>([this]);
        while (open.TryPop(out var node))
        {
            yield return node;
            for (var i = node.Children.Count - 1; i >= 0; i--) open.Push(node.Children[i]);
        }
    }

    /// <summary>Whether it lies in a module, or is that.</summary>
    public bool IsWithin(ModuleNode module)
    {
        var node = this;
        while (node.Depth > module.Depth) node = node.Parent!;
        return node == module;
    }

    /// <summary>The nearest module of a kind that it lies in, itself included; null where it lies in none.</summary>
    public ModuleNode? Within(Func<ModuleNode, bool> isOfKind)
    {
        for (var node = this; node is not null; node = node.Parent)
        {
            if (isOfKind(node)) return node;
        }

        return null;
    }
}
