namespace Loadline.DeviceMaps;

/// <summary>What the blocks of known models are called, with <c>*</c> for the number. A block has a residual connection and is not split over devices.</summary>
internal static class KnownBlocks
{
    /// <summary>The article's GPT-2, Transformers' GPT-2 (<c>transformer.h.0</c>) and Llama.</summary>
    public static IReadOnlyList<string> Patterns { get; } = ["trf_blocks.*", "h.*", "model.layers.*"];
}
