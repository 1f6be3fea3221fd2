using Loadline.Checkpoints;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Which tensor of a checkpoint goes where in a module. Nothing is changed yet.</summary>
/// <param name="Found">Each parameter or buffer that gets a tensor of the checkpoint's as it is.</param>
/// <param name="Computed">Each that gets one which is computed from the checkpoint's.</param>
/// <param name="Missing">Names of the module's without weights.</param>
/// <param name="Unexpected">Names of the checkpoint's, as they came out of the options' rules, without a place.</param>
internal sealed record ModuleMatch(
    IReadOnlyList<(Slot Slot, TensorEntry Entry)> Found, IReadOnlyList<PlannedWeight> Computed, IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected)
{
    private const int NamesInMessage = 5;

    /// <exception cref="CheckpointException">
    /// What is one parameter in the module has several values in the checkpoint, nothing of the checkpoint fits, or what is computed has another shape.
    /// </exception>
    public static ModuleMatch Of(torch.nn.Module module, Checkpoint checkpoint, NameRules rules, ComputedWeights computing)
    {
        var slots = Slot.Of(module);
        var known = slots.SelectMany(s => s.Names).ToHashSet();
        var (found, missing) = (new List<(Slot, TensorEntry)>(), new List<string>());
        foreach (var slot in slots.Where(s => s.Names.Exists(rules.TakesPart)))
        {
            if (computing.TryPlan(slot)) continue;
            if (Find(checkpoint, slot, computing.Entries) is { } entry) found.Add((slot, entry));
            else missing.AddRange(slot.Names);
        }

        var unexpected = computing.Entries.Keys.Where(name => !known.Contains(name) && rules.TakesPart(name) && !computing.Uses(name)).ToList();
        if (found.Count + computing.Planned.Count == 0 && missing.Count > 0) throw NothingFits(module, checkpoint, missing, unexpected);
        return new ModuleMatch(found, computing.Planned, missing, unexpected);
    }

    /// <summary>Refuses a checkpoint that has not just the module's names.</summary>
    /// <exception cref="CheckpointException">The message names what is missing and what is left over.</exception>
    public void RequireAll(Checkpoint checkpoint, torch.nn.Module module)
    {
        if (Missing.Count == 0 && Unexpected.Count == 0) return;
        string[] problems = [.. Listed("lacks", Missing), .. Listed("has beside it", Unexpected)];
        throw new CheckpointException(
            CheckpointError.Mismatch, checkpoint.Path,
            $"does not fit module {module.GetName()}: it {string.Join(" and ", problems)}; {Prefix(checkpoint, module) ?? "Strict = false loads what fits"}");
    }

    /// <summary>What the load has to bring, with the shapes that it must have.</summary>
    /// <exception cref="InvalidOperationException">A module that cannot do without memory was built without.</exception>
    public ModelSpec Spec(torch.nn.Module module)
    {
        foreach (var (slot, entry) in Found) NativeModules.RequireMemory(slot, entry.Name);
        return new ModelSpec(module.GetName(), [.. Found.Select(f => new ParameterSpec(f.Entry.Name, null, [.. f.Slot.Shape]))]) { AllowsOthers = true };
    }

    // A sub-module that gets the whole model's file would else stay as it is, and nobody would know.
    private static CheckpointException NothingFits(torch.nn.Module module, Checkpoint checkpoint, List<string> missing, List<string> unexpected)
    {
        var suffix = "." + missing[0];
        var trees = unexpected.Where(name => name.EndsWith(suffix, StringComparison.Ordinal)).Select(name => name[..^suffix.Length]).Take(NamesInMessage).ToList();
        string[] problems = [.. Listed("lacks", missing), .. Listed("has", unexpected)];
        var way = Prefix(checkpoint, module) ?? (trees.Count > 0 ? $"a part of it is loaded with Key = \"{string.Join("\" or \"", trees)}\"" : null);
        return new CheckpointException(
            CheckpointError.Mismatch, checkpoint.Path,
            $"has none of the names of module {module.GetName()}: it {string.Join(" and ", problems)}{(way is null ? "" : "; ")}{way}");
    }

    private static string? Prefix(Checkpoint checkpoint, torch.nn.Module module) => checkpoint.FindPrefix(module.state_dict().Keys) is { } prefix
        ? $"all of the module's names are there behind '{prefix}': Key = \"{prefix.TrimEnd('.')}\" takes those"
        : null;

    private static IEnumerable<string> Listed(string verb, IReadOnlyList<string> names)
    {
        if (names.Count == 0) yield break;
        var more = names.Count > NamesInMessage ? $" and {names.Count - NamesInMessage} more" : "";
        yield return $"{verb} {string.Join(", ", names.Take(NamesInMessage))}{more}";
    }

    // A checkpoint may hold a tie under one of its names, under several as the same view, or, as TorchSharp saves a tied embedding, as copies.
    private static TensorEntry? Find(Checkpoint checkpoint, Slot slot, IReadOnlyDictionary<string, TensorEntry> named)
    {
        var entries = slot.Names.Select(name => named.GetValueOrDefault(name)).OfType<TensorEntry>().ToList();
        if (entries.Find(e => !SameValues.Are(checkpoint, e, entries[0])) is not { } other) return entries.FirstOrDefault();
        throw new CheckpointException(
            CheckpointError.Mismatch, checkpoint.Path, $"is one parameter with '{entries[0].Name}' in the module, but has other values here: untie them in the module", other.Name);
    }
}
