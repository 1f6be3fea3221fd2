using System.Collections.Immutable;
using Loadline.Checkpoints;

namespace Loadline.Harness.Inspection;

/// <summary>What is in a checkpoint. The members are the contract of <c>loadline inspect --json</c>.</summary>
/// <param name="Format">The format's name.</param>
/// <param name="Files">Every file that holds tensor bytes.</param>
/// <param name="Metadata">What else the file says.</param>
/// <param name="Tensors">In the order of the file.</param>
/// <param name="Unloadable">Tensors that are there but cannot be loaded, with the reason; null where there are none.</param>
/// <param name="Notes">What is odd about it, though it opens; null where nothing is.</param>
internal sealed record Contents(
    string Format, IReadOnlyList<string> Files, IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<ContentsTensor> Tensors,
    IReadOnlyList<UnloadableTensor>? Unloadable = null, IReadOnlyList<string>? Notes = null)
{
    // Each that shares memory names the first that does: a name that is longer would be written as often.
    private const int MostOfName = 256;

    /// <summary>Describes an open checkpoint; with <paramref name="digest"/> every byte of its tensors is read.</summary>
    /// <exception cref="CheckpointException">A tensor cannot be read.</exception>
    public static Contents Of(Checkpoint checkpoint, bool digest, CancellationToken cancellation)
    {
        var hash = digest ? new TensorHash(checkpoint) : null;
        var firstOf = new Dictionary<StorageEntry, string>();
        var tensors = new List<ContentsTensor>(checkpoint.Entries.Count);
        foreach (var entry in checkpoint.Entries)
        {
            cancellation.ThrowIfCancellationRequested();
            var sharesWith = firstOf.TryAdd(entry.Storage, entry.Name) ? null : PrintableText.Shorten(firstOf[entry.Storage], MostOfName);
            var sha256 = hash?.Sha256(entry, cancellation);
            tensors.Add(new ContentsTensor(entry.Name, entry.DType.Name, entry.Shape, entry.ByteCount, sharesWith, sha256));
        }

        return new Contents(
            checkpoint.Format.Name(), checkpoint.Files, checkpoint.Metadata, tensors, checkpoint.Unloadable is [] ? null : checkpoint.Unloadable,
            checkpoint.Notes is [] ? null : checkpoint.Notes);
    }
}

/// <summary>One tensor.</summary>
/// <param name="Name">In the state dict.</param>
/// <param name="DType">PyTorch's name.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Bytes">Laid out without gaps, whatever the storage holds besides.</param>
/// <param name="SharesWith">The first tensor that views the same storage, of a name of more than 256 characters its two ends; null for that tensor itself.</param>
/// <param name="Sha256">Of the contiguous bytes, in lower-case hexadecimal; null unless it was asked for.</param>
internal sealed record ContentsTensor(string Name, string DType, ImmutableArray<long> Shape, long Bytes, string? SharesWith, string? Sha256);
