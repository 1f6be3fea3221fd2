using System.Globalization;
using System.Text;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Pth;

/// <summary>
/// Walks through what a pickle holds and collects tensors under dotted names, as in <c>optimizer.state.0.exp_avg</c>, and all other values as metadata.
/// </summary>
/// <remarks>
/// Containers may be shared, so that a small pickle can describe exponentially many names: visits and what they leave behind are charged to a budget that
/// grows with the pickle's own length.
/// </remarks>
/// <param name="path">The file, for errors.</param>
/// <param name="locate">Finds a tensor's bytes, and checks that it stays inside them.</param>
/// <param name="pickleBytes">The length of the pickle.</param>
/// <param name="expectedTensors">About how many there will be: room for them is made at once.</param>
internal sealed class StateDictWalk(string path, Func<string, TensorValue, TensorEntry> locate, int pickleBytes, int expectedTensors = 0)
{
    private const int MaxDepth = 256;

    // Long lists of plain values (a vocabulary, a loss curve) are told in one line instead of a thousand.
    private const int MaxPlainItems = 1000;
    private const int MaxLineLength = 1 << 14;

    private const int MaxNameLength = 1 << 16;

    // About what the .NET objects take. A tensor's pickle has 60 bytes and more.
    private const long MemoryForFree = 16 << 20;
    private const int MemoryPerByte = 8;
    private const int BytesPerVisit = 16;
    private const int BytesPerMetadata = 64;
    private const int BytesPerTensor = 400;

    private readonly List<TensorEntry> _entries = new(expectedTensors);
    private readonly HashSet<string> _names = new(expectedTensors);
    private readonly Dictionary<string, string> _metadata = [];
    private long _memoryLeft = MemoryForFree + (long)MemoryPerByte * pickleBytes;

    public IReadOnlyList<TensorEntry> Entries => _entries;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Visits the whole value of a pickle. A bare tensor has the empty name.</summary>
    public void Visit(object? root) => Visit("", root, depth: 0);

    private void Visit(string name, object? value, int depth)
    {
        Charge(BytesPerVisit);
        switch (value)
        {
            case TensorValue tensor: Add(locate(name, tensor)); break;
            case RefusedTensor refused: throw new CheckpointException(CheckpointError.Unsupported, path, refused.Problem, name);
            case PickleDictionary or PickleSequence: VisitContainer(name, (PickleContainer)value, depth); break;
            case PickleSet set: Note(name, Summary(set)); break;
            default: Note(name, PythonText.Print(value) ?? "(unknown)"); break;
        }
    }

    private void VisitContainer(string name, PickleContainer container, int depth)
    {
        // Whoever shares a long list a thousand times makes us look through it a thousand times.
        Charge(container.Items.Length);
        if (container.IsEntered) Note(name, "(contains itself)");
        else if (IsLongAndPlain(container.Items) || container.Items.IsEmpty) Note(name, Summary(container));
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
            for (var i = 0; i < items.Length; i += 2) Visit(Name(prefix, Key(items[i])), items[i + 1], depth);
        }
        else
        {
            for (var i = 0; i < items.Length; i++) Visit(Name(prefix, PythonText.Print((long)i)!), items[i], depth);
        }
    }

    private string Name(string prefix, string key)
    {
        if (prefix.Length + key.Length > MaxNameLength) throw Limit($"has a name of {prefix.Length + key.Length} characters, more than the limit of {MaxNameLength}");
        Charge(MemorySize.OfText(prefix) + MemorySize.OfText(key));
        return prefix + key;
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

    /// <summary>The items in a line. One small pickle can hold the same long string a thousand times: the line ends where it is long enough.</summary>
    private static string Join(PickleContainer container)
    {
        var line = new StringBuilder();
        foreach (var item in container.Items)
        {
            if (line.Length > 0) line.Append(", ");
            var text = PythonText.Print(item) ?? "(items)";
            if (line.Length + text.Length > MaxLineLength) return line.Append(CultureInfo.InvariantCulture, $"… ({container.Items.Length} values)").ToString();
            line.Append(text);
        }

        return line.ToString();
    }

    private void Note(string name, string text)
    {
        Charge(BytesPerMetadata + MemorySize.OfText(text));
        _metadata[name] = text;
    }

    private void Add(TensorEntry entry)
    {
        Charge(BytesPerTensor);
        if (!_names.Add(entry.Name)) throw new CheckpointException(CheckpointError.Malformed, path, "stands in the checkpoint twice", entry.Name);
        _entries.Add(entry);
    }

    private void Charge(long bytes)
    {
        _memoryLeft -= bytes;
        if (_memoryLeft < 0) throw Limit("describes more values than a file of its length needs");
    }

    private CheckpointException Limit(string problem) => new(CheckpointError.LimitExceeded, path, $"the pickle {problem}");
}
