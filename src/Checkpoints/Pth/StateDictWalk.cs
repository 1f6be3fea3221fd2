using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Pth;

/// <summary>
/// Walks through what a pickle holds and collects tensors under dotted names, as in <c>optimizer.state.0.exp_avg</c>, and all other values as metadata.
/// </summary>
/// <remarks>
/// Containers may be shared, so that a small pickle can describe exponentially many names: what is visited and the names' lengths are limited by the
/// pickle's own length.
/// </remarks>
/// <param name="path">The file, for errors.</param>
/// <param name="locate">Finds a tensor's bytes, and checks that it stays inside them.</param>
/// <param name="pickleBytes">The length of the pickle.</param>
internal sealed class StateDictWalk(string path, Func<string, TensorValue, TensorEntry> locate, int pickleBytes)
{
    private const int MaxDepth = 256;

    // Long lists of plain values (a vocabulary, a loss curve) are told in one line instead of a thousand.
    private const int MaxPlainItems = 1000;

    private readonly List<TensorEntry> _entries = [];
    private readonly HashSet<string> _names = [];
    private readonly Dictionary<string, string> _metadata = [];
    private long _visitsLeft = (1 << 20) + pickleBytes;
    private long _nameCharactersLeft = (8 << 20) + 2L * pickleBytes;

    public IReadOnlyList<TensorEntry> Entries => _entries;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Visits the whole value of a pickle. A bare tensor has the empty name.</summary>
    public void Visit(object? root) => Visit("", root, depth: 0);

    private void Visit(string name, object? value, int depth)
    {
        Charge(name);
        switch (value)
        {
            case TensorValue tensor: Add(locate(name, tensor)); break;
            case RefusedTensor refused: throw new CheckpointException(CheckpointError.Unsupported, path, refused.Problem, name);
            case PickleDictionary or PickleSequence: VisitContainer(name, (PickleContainer)value, depth); break;
            case PickleSet set: _metadata[name] = Summary(set); break;
            default: _metadata[name] = PythonText.Print(value) ?? "(unknown)"; break;
        }
    }

    private void VisitContainer(string name, PickleContainer container, int depth)
    {
        if (container.IsEntered) _metadata[name] = "(contains itself)";
        else if (IsLongAndPlain(container.Items) || container.Items.IsEmpty) _metadata[name] = Summary(container);
        else if (depth == MaxDepth) throw Limit($"nests deeper than {MaxDepth} levels");
        else
        {
            container.IsEntered = true;
            VisitItems(name.Length == 0 ? "" : name + ".", container, depth + 1);
            container.IsEntered = false;
        }
    }

    private void VisitItems(string prefix, PickleContainer container, int depth)
    {
        var items = container.Items;
        if (container is PickleDictionary)
        {
            for (var i = 0; i < items.Length; i += 2) Visit(prefix + Key(items[i]), items[i + 1], depth);
        }
        else
        {
            for (var i = 0; i < items.Length; i++) Visit(prefix + PythonText.Print((long)i), items[i], depth);
        }
    }

    private static string Key(object? key) => PythonText.Print(key) ?? (key is PickleSequence tuple ? $"({Join(tuple)})" : "(key)");

    private static bool IsLongAndPlain(ReadOnlySpan<object?> items)
    {
        if (items.Length <= MaxPlainItems) return false;
        foreach (var item in items)
        {
            if (item is TensorValue or RefusedTensor or PickleContainer) return false;
        }

        return true;
    }

    private static string Summary(PickleContainer container) => container switch
    {
        PickleSequence { Length: 0, IsTuple: true } => "()",
        PickleSequence { Length: 0 } => "[]",
        PickleSequence sequence => $"({sequence.Length} values)",
        PickleDictionary { Items.Length: 0 } => "{}",
        PickleDictionary dictionary => $"({dictionary.Items.Length / 2} values)",
        _ => "{" + Join(container) + "}",
    };

    private static string Join(PickleContainer container) =>
        string.Join(", ", container.Items[..Math.Min(container.Items.Length, MaxPlainItems)].ToArray().Select(PythonText.Print));

    private void Add(TensorEntry entry)
    {
        if (!_names.Add(entry.Name)) throw new CheckpointException(CheckpointError.Malformed, path, "stands in the checkpoint twice", entry.Name);
        _entries.Add(entry);
    }

    private void Charge(string name)
    {
        _nameCharactersLeft -= name.Length;
        if (--_visitsLeft < 0 || _nameCharactersLeft < 0) throw Limit("describes more values than a file of its length needs");
    }

    private CheckpointException Limit(string problem) => new(CheckpointError.LimitExceeded, path, $"the pickle {problem}");
}
