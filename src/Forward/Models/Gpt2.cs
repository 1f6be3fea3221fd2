using System.Collections.Immutable;
using Loadline.Checkpoints;
using Loadline.Strategies;

namespace Loadline.Forward.Models;

/// <summary>
/// GPT-2 as the memory-efficient weight loading article builds it: names and shapes of its <c>GPTModel.state_dict()</c>, query-key-value biases,
/// causal masks as float buffers, and an output head of its own.
/// </summary>
/// <remarks>Sizes: Radford et al. 2019, table 2. Order: a module's own buffers come before its children's parameters.</remarks>
public static class Gpt2
{
    private const int Vocabulary = 50257;
    private const int Context = 1024;

    private static readonly (string Name, int Width, int Layers)[] Sizes =
    [
        ("gpt2-small", 768, 12), ("gpt2-medium", 1024, 24), ("gpt2-large", 1280, 36), ("gpt2-xl", 1600, 48),
    ];

    /// <summary>The names that <see cref="TryCreate"/> knows, smallest first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Sizes.Select(s => s.Name)];

    /// <summary>The model of a name, or null where there is none of that name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="dtype">Of all parameters and of the masks, as <c>model.to(dtype)</c> leaves them; null takes what the checkpoint stores.</param>
    public static ModelSpec? TryCreate(string name, DType? dtype = null)
    {
        var size = Array.Find(Sizes, s => s.Name == name);
        return size.Name is null ? null : Create(name, dtype, Vocabulary, Context, size.Width, size.Layers);
    }

    /// <summary>A model of any size; for tests and for the fixtures' tiny one.</summary>
    public static ModelSpec Create(string name, DType? dtype, int vocabulary, int context, int width, int layers)
    {
        var parameters = ImmutableArray.CreateBuilder<ParameterSpec>();
        Add("tok_emb.weight", vocabulary, width);
        Add("pos_emb.weight", context, width);
        for (var layer = 0; layer < layers; layer++) AddBlock($"trf_blocks.{layer}");
        AddNorm("final_norm");
        Add("out_head.weight", vocabulary, width);
        return new ModelSpec(name, parameters.ToImmutable());

        void Add(string tensor, params ReadOnlySpan<long> shape) => parameters.Add(new ParameterSpec(tensor, dtype, [.. shape]));

        void AddLinear(string module, int outputs, int inputs)
        {
            Add($"{module}.weight", outputs, inputs);
            Add($"{module}.bias", outputs);
        }

        void AddNorm(string module)
        {
            Add($"{module}.scale", width);
            Add($"{module}.shift", width);
        }

        void AddBlock(string block)
        {
            Add($"{block}.att.mask", context, context);
            foreach (var projection in (ReadOnlySpan<string>)["W_query", "W_key", "W_value", "out_proj"]) AddLinear($"{block}.att.{projection}", width, width);
            AddLinear($"{block}.ff.layers.0", 4 * width, width);
            AddLinear($"{block}.ff.layers.2", width, 4 * width);
            AddNorm($"{block}.norm1");
            AddNorm($"{block}.norm2");
        }
    }
}
