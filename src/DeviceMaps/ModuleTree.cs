using Loadline.Checkpoints;
using Loadline.Reading;

namespace Loadline.DeviceMaps;

/// <summary>
/// The modules of a checkpoint, by the parts of its tensors' names, with what each takes. A checkpoint has no modules: names are all that is known.
/// </summary>
internal sealed class ModuleTree
{
    // Deeper than any model. What comes behind stays one part, so that a name of a million dots is no tower to climb.
    private const int MaxDepth = 64;

    // A mixture of experts has two and a half for each of its tensors, adapters three and a half.
    private const int FreeNodes = 1 << 14;
    private const int NodesPerTensor = 4;

    // Those beyond so many have fewer: a node takes as much as a tensor does.
    private const int FewTensors = 1 << 14;

    private readonly int _depth;
    private readonly List<List<ModuleNode>> _ties = [];
    private readonly Dictionary<ModuleNode, ModuleBytes> _owned = [];

    private ModuleTree(IReadOnlyList<string>? noSplit, int depth)
    {
        (Root, _depth) = (new ModuleNode(null, ""), depth);
        NoSplit = [.. (noSplit ?? KnownBlocks.Patterns).Select(pattern => new ModulePattern(pattern))];
    }

    public ModuleNode Root { get; }

    /// <summary>What must not be split.</summary>
    public IReadOnlyList<ModulePattern> NoSplit { get; }

    /// <summary>The modules and tensors that are never split further, in order.</summary>
    public IReadOnlyList<ModuleNode> Layers { get; private set; } = [];

    /// <summary>The modules that the root has, and its own tensors: where a plan begins.</summary>
    public IReadOnlyList<ModuleNode> Top => Root.IsTensor ? [Root] : Root.Children;

    /// <exception cref="DeviceMapException">A pattern names no module.</exception>
    public static ModuleTree Of(IReadOnlyList<TensorEntry> entries, IReadOnlyList<string>? noSplit = null, TargetDType? dtype = null)
    {
        var tree = new ModuleTree(noSplit, MaxDepth);
        if (!tree.TryAdd(entries, nodes: FreeNodes + (NodesPerTensor - 1) * (long)entries.Count + Math.Min(entries.Count, FewTensors)))
        {
            // A node takes more memory than its part of the name: names of more parts than models have are not looked into, none of them.
            tree = new ModuleTree(noSplit, depth: 1);
            tree.TryAdd(entries, nodes: long.MaxValue);
        }

        tree.Sort(tree.Root);
        tree.Measure(tree.Root, dtype);
        tree.MarkWhole(tree.Root);
        tree.Layers = [.. LayersOf(tree.Top)];
        if (noSplit is not null) tree.RequireUse();
        return tree;
    }

    /// <summary>The module or tensor of a dotted name, the root of an empty one; null where there is none.</summary>
    public ModuleNode? Find(string name)
    {
        var node = Root;
        foreach (var part in Parts(name))
        {
            if (node.Find(part) is not { } child) return null;
            node = child;
        }

        return node;
    }

    /// <summary>The groups of tensors that share memory to which some of a module's belong. The same list for each tensor of a group.</summary>
    public IEnumerable<IReadOnlyList<ModuleNode>> TiesOf(ModuleNode module) =>
        _ties.Count == 0 ? [] : module.Below().Select(n => n.Tied).OfType<IReadOnlyList<ModuleNode>>();

    /// <summary>What a tensor's own storage takes; nothing for one that is tied to an earlier tensor.</summary>
    public ModuleBytes OwnBytes(ModuleNode tensor) => _owned.GetValueOrDefault(tensor);

    /// <summary>Every group of tensors that share memory.</summary>
    public IEnumerable<IReadOnlyList<ModuleNode>> Ties => _ties;

    private static IEnumerable<ModuleNode> LayersOf(IEnumerable<ModuleNode> nodes) =>
        nodes.SelectMany(n => n.IsWhole ? [n] : LayersOf(n.Children));

    private bool TryAdd(IReadOnlyList<TensorEntry> entries, long nodes)
    {
        foreach (var entry in entries)
        {
            var node = Root;
            foreach (var part in Parts(entry.Name))
            {
                var siblings = node.Children.Count;
                (var parent, node) = (node, node.Child(part));
                nodes -= parent.Children.Count - siblings;
            }

            if (nodes < 0) return false;
            node.Tensor = entry;
        }

        return true;
    }

    // Of a name that begins with a dot the first part would be called as the whole model is.
    private string[] Parts(string name) => name switch
    {
        "" => [],
        ['.', ..] => [name],
        _ => name.Split('.', _depth),
    };

    private void Sort(ModuleNode node)
    {
        foreach (var child in node.Children) Sort(child);
        node.SortChildren(c => (IsModule: !c.IsTensor, ForwardOrder.Of(c.Part)));
    }

    /// <summary>Gives each storage to the first of its tensors; the others are tied to it and take nothing.</summary>
    private void Measure(ModuleNode root, TargetDType? dtype)
    {
        var byStorage = new Dictionary<StorageEntry, List<ModuleNode>>();
        foreach (var node in root.Below().Where(n => n.IsTensor))
        {
            var storage = node.Tensor!.Storage;
            if (!byStorage.TryGetValue(storage, out var tied)) byStorage.Add(storage, tied = []);
            tied.Add(node);
        }

        foreach (var tied in byStorage.Values)
        {
            var (host, accelerator) = WeightLayout.BytesOf([.. tied.Select(n => n.Tensor!)], dtype);
            var bytes = new ModuleBytes(host, accelerator);
            _owned.Add(tied[0], bytes);
            for (var node = tied[0]; node is not null; node = node.Parent) node.Bytes += bytes;
            if (tied.Count == 1) continue;
            _ties.Add(tied);
            foreach (var node in tied) node.Tied = tied;
        }
    }

    private void MarkWhole(ModuleNode node)
    {
        foreach (var child in node.Children) MarkWhole(child);
        node.IsWhole = node.IsTensor || (node.Parent is not null && (node.Children.All(c => c.IsTensor && c.Children.Count == 0) || NoSplit.Any(p => p.Matches(node))));
    }

    private void RequireUse()
    {
        var unused = NoSplit.Where(p => !Root.Below().Any(p.Matches)).Select(p => $"'{p}'").ToList();
        if (unused.Count > 0) throw new DeviceMapException($"no-split names {string.Join(", ", unused)}, but no module is called so: write the last parts of a name, with * for any one, as in trf_blocks.*");
    }
}
