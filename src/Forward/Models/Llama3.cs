using System.Collections.Immutable;
using Loadline.Checkpoints;
using Loadline.Strategies;

namespace Loadline.Forward.Models;

/// <summary>Llama 3 as Transformers names it: <c>LlamaForCausalLM.state_dict()</c>, without biases, with an output head of its own.</summary>
/// <remarks>Sizes: the models' own config.json, and Grattafiori et al. 2024, table 3.</remarks>
public static class Llama3
{
    private const int Vocabulary = 128_256;

    // Queries share keys and values: 8 heads of 128 in either size.
    private const int KeyValueWidth = 8 * 128;

    private static readonly (string Name, int Width, int Inner, int Layers)[] Sizes = [("llama-3-8b", 4096, 14_336, 32), ("llama-3-70b", 8192, 28_672, 80)];

    /// <summary>The names that <see cref="TryCreate"/> knows, smallest first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Sizes.Select(s => s.Name)];

    /// <summary>The model of a name, or null where there is none of that name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="dtype">Of all parameters; null takes what the checkpoint stores.</param>
    public static ModelSpec? TryCreate(string name, DType? dtype = null)
    {
        var size = Array.Find(Sizes, s => s.Name == name);
        return size.Name is null ? null : Create(name, dtype, size.Width, size.Inner, size.Layers);
    }

    private static ModelSpec Create(string name, DType? dtype, int width, int inner, int layers)
    {
        var parameters = ImmutableArray.CreateBuilder<ParameterSpec>();
        Add("model.embed_tokens", Vocabulary, width);
        for (var layer = 0; layer < layers; layer++) AddLayer($"model.layers.{layer}");
        Add("model.norm", width);
        Add("lm_head", Vocabulary, width);
        return new ModelSpec(name, parameters.ToImmutable());

        void Add(string module, params ReadOnlySpan<long> shape) => parameters.Add(new ParameterSpec($"{module}.weight", dtype, [.. shape]));

        void AddLayer(string block)
        {
            Add($"{block}.self_attn.q_proj", width, width);
            Add($"{block}.self_attn.k_proj", KeyValueWidth, width);
            Add($"{block}.self_attn.v_proj", KeyValueWidth, width);
            Add($"{block}.self_attn.o_proj", width, width);
            Add($"{block}.mlp.gate_proj", inner, width);
            Add($"{block}.mlp.up_proj", inner, width);
            Add($"{block}.mlp.down_proj", width, inner);
            Add($"{block}.input_layernorm", width);
            Add($"{block}.post_attention_layernorm", width);
        }
    }
}
