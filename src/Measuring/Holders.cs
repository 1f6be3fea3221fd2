namespace Loadline.Measuring;

/// <summary>Who holds the engine's memory of one kind, at one moment.</summary>
/// <param name="Memory"><c>host</c> or <c>device</c>.</param>
/// <param name="Bytes">All of it, by the engine's count.</param>
/// <param name="Uses">What it is held for, the most first.</param>
/// <param name="Largest">The largest storages, the largest first.</param>
internal sealed record Holders(string Memory, long Bytes, IReadOnlyList<HeldForUse> Uses, IReadOnlyList<HeldByTensor> Largest);

/// <summary>All storages that are held for one thing.</summary>
/// <param name="Use">model, state dict, layer, ring, or a buffer on the way between them.</param>
/// <param name="Bytes">Their sum.</param>
/// <param name="Storages">How many.</param>
internal sealed record HeldForUse(string Use, long Bytes, int Storages);

/// <summary>One storage.</summary>
/// <param name="Use">As in <see cref="HeldForUse.Use"/>.</param>
/// <param name="Tensor">The first of its tensors; null for memory that no tensor views.</param>
/// <param name="Bytes">Its size.</param>
internal sealed record HeldByTensor(string Use, string? Tensor, long Bytes);
