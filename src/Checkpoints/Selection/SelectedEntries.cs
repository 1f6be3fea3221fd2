using Loadline.Checkpoints.Index;

namespace Loadline.Checkpoints.Selection;

/// <summary>What a selection makes of a checkpoint's tensors: some left out, the others by new names, with no more of their storages than they view.</summary>
internal static class SelectedEntries
{
    // Of no dtype are elements wider; a storage that is cut on such a boundary keeps every view's offset a whole number.
    private const long WidestElement = 16;

    private const int KnownParts = 8;
    private const int KnownChars = 40;

    /// <param name="checkpoint">All there is.</param>
    /// <param name="selection">What to take.</param>
    /// <param name="expected">A model's names, for <see cref="EntrySelection.Auto"/>; null where no model is known.</param>
    /// <returns>Tensors, those that cannot be loaded, and whether <see cref="EntrySelection.Auto"/> took the model out of what training keeps beside it.</returns>
    /// <exception cref="CheckpointException">A pattern fits nothing, nothing is left, or two tensors meet under one name.</exception>
    public static (List<TensorEntry> Entries, List<UnloadableTensor> Unloadable, bool IsUnwrapped) Of(
        CheckpointIndex checkpoint, EntrySelection selection, IReadOnlyCollection<string>? expected)
    {
        var taken = Filter(checkpoint, selection);
        taken = Strip(checkpoint, selection, taken, expected, out var isUnwrapped);
        taken = Rename(checkpoint, selection, taken);
        if (taken.Count == 0) throw Refuse(checkpoint, $"has no tensor left of its {checkpoint.Entries.Count + checkpoint.Unloadable.Count} with {selection}");
        List<TensorEntry> entries = [.. taken.Where(t => t.Entry is not null).Select(t => t.Entry! with { Name = t.Name, StoredName = t.Stored })];
        List<UnloadableTensor> unloadable = [.. taken.Where(t => t.Entry is null).Select(t => t.Unloadable! with { Name = t.Name })];
        return (entries.Count == checkpoint.Entries.Count ? entries : Narrow(checkpoint, entries), unloadable, isUnwrapped);
    }

    private static List<Taken> Filter(CheckpointIndex checkpoint, EntrySelection selection)
    {
        NamePattern[] include = [.. selection.Include.Select(text => new NamePattern(text))];
        NamePattern[] exclude = [.. selection.Exclude.Select(text => new NamePattern(text))];
        var fitted = new bool[include.Length];
        var taken = new List<Taken>();
        foreach (var tensor in Taken.AllOf(checkpoint))
        {
            var isIncluded = include.Length == 0;
            // Each pattern is asked, so that the one that fits nothing is found.
            for (var i = 0; i < include.Length; i++)
            {
                if (include[i].Fits(tensor.Name)) isIncluded = fitted[i] = true;
            }

            if (isIncluded && !Array.Exists(exclude, pattern => pattern.Fits(tensor.Name))) taken.Add(tensor);
        }

        var unused = Array.IndexOf(fitted, false);
        // A pattern that is misspelt would silently load less than was asked for.
        return unused < 0 ? taken : throw Refuse(checkpoint, $"has no tensor whose name fits '{include[unused].Text}', which is to be included: {Known(Taken.AllOf(checkpoint))}");
    }

    private static List<Taken> Strip(
        CheckpointIndex checkpoint, EntrySelection selection, List<Taken> tensors, IReadOnlyCollection<string>? expected, out bool isUnwrapped)
    {
        isUnwrapped = false;
        if (string.IsNullOrEmpty(selection.Strip)) return tensors;
        if (selection.Strip == EntrySelection.Auto) return StripAuto(tensors, expected, out isUnwrapped);
        var prefix = selection.Strip.EndsWith('.') ? selection.Strip : selection.Strip + ".";
        return tensors.Exists(t => t.HasPrefix(prefix))
            ? tensors.ConvertAll(t => t.HasPrefix(prefix) ? t.Without(prefix) : t)
            : throw Refuse(checkpoint, $"has no tensor whose name starts with '{prefix}', which is to be taken off: {Known(tensors)}");
    }

    private static List<Taken> StripAuto(List<Taken> tensors, IReadOnlyCollection<string>? expected, out bool isUnwrapped)
    {
        tensors = tensors.ConvertAll(t => t with { Name = Wrappers.WithoutInner(t.Name) });
        var names = tensors.Select(t => t.Name).ToHashSet();
        var prefix = (expected is null ? null : Wrappers.PrefixFor(names, expected)) ?? Wrappers.PrefixOf(names);
        isUnwrapped = prefix.Length > 0;
        return !isUnwrapped ? tensors : [.. tensors.Where(t => t.HasPrefix(prefix)).Select(t => t.Without(prefix))];
    }

    private static List<Taken> Rename(CheckpointIndex checkpoint, EntrySelection selection, List<Taken> tensors)
    {
        var rules = RenameRule.ParseAll(selection.Rename);
        var used = new bool[rules.Length];
        var renamed = new List<Taken>(tensors.Count);
        var storedByName = new Dictionary<string, string>(tensors.Count);
        foreach (var tensor in tensors)
        {
            var name = NameOf(tensor.Name);
            if (!storedByName.TryAdd(name, tensor.Stored))
            {
                throw new CheckpointException(
                    CheckpointError.Mismatch, checkpoint.Path,
                    $"would be called '{name}', as '{storedByName[name]}' is: exclude one of the two, or rename it", tensor.Stored);
            }

            renamed.Add(tensor with { Name = name });
        }

        var unused = Array.IndexOf(used, false);
        return unused < 0
            ? renamed
            : throw Refuse(checkpoint, $"has no tensor whose name fits the left side of the rule '{selection.Rename[unused]}': {Known(tensors)}");

        string NameOf(string name)
        {
            for (var i = 0; i < rules.Length; i++)
            {
                if (rules[i].From.Rewrite(name, rules[i].To) is not { } other) continue;
                used[i] = true;
                return other;
            }

            return name;
        }
    }

    /// <summary>
    /// A storage of which some view was left out is cut into what the others view. Views that overlap keep sharing one; those that do not never shared a
    /// byte, whatever allocation they came from.
    /// </summary>
    private static List<TensorEntry> Narrow(CheckpointIndex checkpoint, List<TensorEntry> entries)
    {
        var kept = entries.Select(e => e.StoredName).ToHashSet();
        // What is deflated is read from its start on: there is nothing to cut.
        var cut = checkpoint.Entries.Where(e => !kept.Contains(e.Name) && e.Storage.IsMappable).Select(e => e.Storage).ToHashSet();
        var narrowed = new Dictionary<string, TensorEntry>();
        foreach (var shared in entries.Where(e => cut.Contains(e.Storage)).GroupBy(e => e.Storage))
        {
            foreach (var entry in Cut(shared.Key, [.. shared])) narrowed.Add(entry.Name, entry);
        }

        return entries.ConvertAll(e => narrowed.GetValueOrDefault(e.Name, e));
    }

    private static IEnumerable<TensorEntry> Cut(StorageEntry storage, List<TensorEntry> views)
    {
        var spans = views.ConvertAll(view => (View: view, Span: Span(view)));
        spans.Sort((a, b) => a.Span.Start.CompareTo(b.Span.Start));
        for (var first = 0; first < spans.Count;)
        {
            var (start, end, next) = (spans[first].Span.Start, spans[first].Span.End, first + 1);
            while (next < spans.Count && spans[next].Span.Start < end) end = Math.Max(end, spans[next++].Span.End);
            var part = new StorageEntry(storage.File, storage.Position + start, Math.Max(end - start, 0));
            foreach (var (view, _) in spans[first..next]) yield return view with { Storage = part, StorageOffset = view.StorageOffset - start / view.DType.BytesPerElement };
            first = next;
        }
    }

    // Types narrower than a byte have a storage of their own, which is never shared.
    private static (long Start, long End) Span(TensorEntry view)
    {
        var width = view.DType.BytesPerElement;
        var start = view.StorageOffset * width;
        return (start / WidestElement * WidestElement, start + Shapes.Reach(view.Shape.AsSpan(), view.Strides.AsSpan()) * width);
    }

    // A pattern that is misspelt is mended by seeing what there is: the parts of a model, of which there are few.
    private static string Known(IEnumerable<Taken> tensors)
    {
        List<string> parts = [.. tensors.Select(t => DottedName.FirstPart(t.Name, KnownChars)).Distinct().Take(KnownParts + 1)];
        return $"names begin with {string.Join(", ", parts.Take(KnownParts))}{(parts.Count > KnownParts ? ", …" : "")}";
    }

    private static CheckpointException Refuse(CheckpointIndex checkpoint, string problem) => new(CheckpointError.Mismatch, checkpoint.Path, problem);

    /// <summary>A tensor that is taken: its name in the file, its name from here on, and what it is.</summary>
    private sealed record Taken(string Stored, string Name, TensorEntry? Entry, UnloadableTensor? Unloadable)
    {
        public static IEnumerable<Taken> AllOf(CheckpointIndex checkpoint) =>
            checkpoint.Entries.Select(e => new Taken(e.Name, e.Name, e, null)).Concat(checkpoint.Unloadable.Select(u => new Taken(u.Name, u.Name, null, u)));

        public bool HasPrefix(string prefix) => Name.StartsWith(prefix, StringComparison.Ordinal);

        public Taken Without(string prefix) => this with { Name = Name[prefix.Length..] };
    }
}
