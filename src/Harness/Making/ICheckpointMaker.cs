using Loadline.Harness.Budgets;

namespace Loadline.Harness.Making;

/// <summary>Makes synthetic checkpoints.</summary>
internal interface ICheckpointMaker
{
    /// <summary>The models it knows, by name.</summary>
    IReadOnlyList<string> Models { get; }

    /// <summary>
    /// Writes a checkpoint, and the digests of its tensors beside it as <c>PATH.digests.json</c>. Neither stands under its name half-written.
    /// </summary>
    /// <param name="recipe">What to make.</param>
    /// <param name="path">The file, or the folder of a <c>per-tensor</c> checkpoint.</param>
    /// <param name="sparse">Whether to leave most bytes as holes, for sizes that no disk holds.</param>
    /// <param name="progress">Gets the fraction that is written, from 0 to 1.</param>
    /// <param name="cancellation">Stops and removes what was written.</param>
    /// <exception cref="IOException">The disk is full or not writable; the message names the path and, where the disk is full, the bytes needed and free.</exception>
    void Make(CheckpointRecipe recipe, string path, bool sparse, Action<double> progress, CancellationToken cancellation);
}
