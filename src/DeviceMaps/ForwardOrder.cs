namespace Loadline.DeviceMaps;

/// <summary>
/// Where a module stands among its siblings in a forward pass. Files do not always say: Hugging Face's are sorted by name, so that the output head comes
/// first and block 10 before block 2, and a map in that order would send activations back and forth between devices.
/// </summary>
internal static class ForwardOrder
{
    // The article's GPT-2, Transformers' GPT-2 and Llama, in this order.
    private static readonly string[] First = ["tok_emb", "wte", "embed_tokens", "pos_emb", "wpe"];
    private static readonly string[] Last = ["final_norm", "ln_f", "norm", "out_head", "lm_head"];

    /// <summary>A key to sort by: input embeddings, then whatever is between in the order it has, blocks by their number, final norm and output head.</summary>
    public static (int Rank, long Number) Of(string part)
    {
        if (Array.IndexOf(First, part) is var first and >= 0) return (first - First.Length, 0);
        if (Array.IndexOf(Last, part) is var last and >= 0) return (1 + last, 0);
        return (0, part.Length is > 0 and < 10 && part.All(char.IsAsciiDigit) ? long.Parse(part, System.Globalization.CultureInfo.InvariantCulture) : 0);
    }
}
