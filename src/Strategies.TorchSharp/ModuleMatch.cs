using Loadline.Checkpoints;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Which tensor of a checkpoint goes where in a module. Nothing is changed yet.</summary>
/// <param name="Found">Each parameter or buffer that gets weights, with the name under which the checkpoint has them.</param>
/// <param name="Missing">Names of the module's without weights.</param>
/// <param name="Unexpected">Names of the checkpoint's without a place.</param>
internal sealed record ModuleMatch(IReadOnlyList<(Slot Slot, string Name)> Found, IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected)
{
    private const int NamesInMessage = 5;
    private const int PieceBytes = (int)ByteSize.MiB;

    /// <exception cref="CheckpointException">What is one parameter in the module has several values in the checkpoint.</exception>
    public static ModuleMatch Of(torch.nn.Module module, Checkpoint checkpoint)
    {
        var slots = Slot.Of(module);
        var known = slots.SelectMany(s => s.Names).ToHashSet();
        var found = slots.Select(slot => (Slot: slot, Entry: Find(checkpoint, slot))).ToLookup(f => f.Entry is not null);
        return new ModuleMatch(
            [.. found[true].Select(f => (f.Slot, f.Entry!.Name))],
            [.. found[false].SelectMany(f => f.Slot.Names)],
            [.. checkpoint.Entries.Select(e => e.Name).Where(name => !known.Contains(name))]);
    }

    /// <summary>Refuses a checkpoint that has not just the module's names.</summary>
    /// <exception cref="CheckpointException">The message names what is missing and what is left over.</exception>
    public void RequireAll(string path, torch.nn.Module module)
    {
        if (Missing.Count == 0 && Unexpected.Count == 0) return;
        string[] problems = [.. Listed("lacks", Missing), .. Listed("has beside it", Unexpected)];
        throw new CheckpointException(
            CheckpointError.Mismatch, path, $"does not fit module {module.GetName()}: it {string.Join(" and ", problems)}; Strict = false loads what fits");
    }

    /// <summary>What the load has to bring, with the shapes that it must have.</summary>
    /// <exception cref="CheckpointException">A module that cannot do without memory was built without.</exception>
    public ModelSpec Spec(torch.nn.Module module)
    {
        foreach (var (slot, name) in Found) NativeModules.RequireMemory(slot, name);
        return new ModelSpec(module.GetName(), [.. Found.Select(f => new ParameterSpec(f.Name, null, [.. f.Slot.Shape]))]) { AllowsOthers = true };
    }

    private static IEnumerable<string> Listed(string verb, IReadOnlyList<string> names)
    {
        if (names.Count == 0) yield break;
        var more = names.Count > NamesInMessage ? $" and {names.Count - NamesInMessage} more" : "";
        yield return $"{verb} {string.Join(", ", names.Take(NamesInMessage))}{more}";
    }

    // A checkpoint may hold a tie under one of its names, under several as the same view, or, as TorchSharp saves a tied embedding, as copies.
    private static TensorEntry? Find(Checkpoint checkpoint, Slot slot)
    {
        var entries = slot.Names.Select(name => checkpoint.TryFind(name, out var entry) ? entry : null).OfType<TensorEntry>().ToList();
        if (entries.Find(e => !IsSameView(e, entries[0]) && !IsCopy(checkpoint, e, entries[0])) is not { } other) return entries.FirstOrDefault();
        throw new CheckpointException(
            CheckpointError.Mismatch, checkpoint.Path, $"is one parameter with '{entries[0].Name}' in the module, but has other values here: untie them in the module", other.Name);
    }

    private static bool IsSameView(TensorEntry one, TensorEntry other) =>
        one.Storage == other.Storage && one.StorageOffset == other.StorageOffset && one.DType == other.DType
        && one.Shape.SequenceEqual(other.Shape) && one.Strides.SequenceEqual(other.Strides);

    private static bool IsCopy(Checkpoint checkpoint, TensorEntry one, TensorEntry other)
    {
        if (one.DType != other.DType || !one.Shape.SequenceEqual(other.Shape) || !one.IsContiguous || !other.IsContiguous) return false;
        var (left, right) = (new byte[PieceBytes], new byte[PieceBytes]);
        for (long offset = 0; offset < one.ByteCount; offset += PieceBytes)
        {
            var length = (int)Math.Min(PieceBytes, one.ByteCount - offset);
            checkpoint.Read(one.Storage, one.StorageOffset * one.DType.BytesPerElement + offset, left.AsSpan(0, length));
            checkpoint.Read(other.Storage, other.StorageOffset * other.DType.BytesPerElement + offset, right.AsSpan(0, length));
            if (!left.AsSpan(0, length).SequenceEqual(right.AsSpan(0, length))) return false;
        }

        return true;
    }
}
