using Loadline.Checkpoints;

namespace Loadline.DeviceMaps;

/// <summary>One tensor, or all tensors whose names begin with the same parts: what a map gives a device to.</summary>
internal sealed class ModuleNode(ModuleNode? parent, string part)
{
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
    public List<ModuleNode> Children { get; } = [];

    /// <summary>The storages whose first tensor lies here or below.</summary>
    public ModuleBytes Bytes { get; set; }

    /// <summary>Whether it goes to one device in any case: a tensor, a module that has nothing but tensors, or one that must not be split.</summary>
    public bool IsWhole { get; set; }

    public bool IsTensor => Tensor is not null;

    public ModuleNode Child(string name)
    {
        _byPart ??= [];
        if (_byPart.TryGetValue(name, out var child)) return child;
        _byPart.Add(name, child = new ModuleNode(this, name));
        Children.Add(child);
        return child;
    }

    /// <summary>This and everything below it.</summary>
    public IEnumerable<ModuleNode> Below() => Children.SelectMany(child => child.Below()).Prepend(this);

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
