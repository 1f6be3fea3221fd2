using System.Numerics;
using Loadline.Checkpoints;
using Loadline.Examples;
using Loadline.Forward;
using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.Worker.TorchSharp;

/// <summary>Which module a checkpoint is for, and how large: its tensors show all but the number of heads.</summary>
/// <param name="Build">Makes it, without memory.</param>
internal sealed record ModuleShape(Func<torch.nn.Module<torch.Tensor, torch.Tensor>> Build)
{
    private const string Gpt2Table = "tok_emb.weight";
    private const string LlamaTable = "model.embed_tokens.weight";

    // Four of attention, three of the feed-forward, two norms.
    private const int TensorsPerLayer = 9;

    // Far above any model, and small enough that no product of two overflows.
    private const int LargestTable = 1 << 24;

    /// <summary>GPT-2 with the article's names, or Llama with Hugging Face's.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="entries">The tensors.</param>
    /// <param name="forward">Says how many heads there are, where the usual width is not meant: 64 in GPT-2, 128 in Llama. Null where nothing is
    /// computed, and heads do not matter.</param>
    /// <exception cref="CheckpointException">It is neither.</exception>
    /// <exception cref="ArgumentException">Heads of that number or of the usual width cannot share the width.</exception>
    public static ModuleShape Of(string path, IReadOnlyList<TensorEntry> entries, ForwardOptions? forward)
    {
        if (entries.Any(e => e.Name == LlamaTable)) return new(() => Skeleton.Build(LlamaOf(path, entries, forward)));
        if (!entries.Any(e => e.Name == Gpt2Table))
        {
            throw new CheckpointException(
                CheckpointError.Mismatch, path,
                $"is neither GPT-2 as `loadline make` names it (it has no '{Gpt2Table}') nor Llama as Hugging Face names it (no '{LlamaTable}'): under a cap the engine "
                + "torchsharp loads these two; LoadWeights of Loadline.Strategies.TorchSharp loads any module, and the engine libtorch any checkpoint");
        }

        var shape = Gpt2Shape.Of(path, entries, forward is null ? 1 : forward.Heads);
        return new(() => Skeleton.Build(() => new Gpt2(shape.Vocabulary, shape.Context, shape.Width, shape.Heads, shape.Layers)));
    }

    private static Func<Llama> LlamaOf(string path, IReadOnlyList<TensorEntry> entries, ForwardOptions? forward)
    {
        var byName = entries.ToDictionary(e => e.Name);
        var (vocabulary, width) = Table(LlamaTable);
        var (keyWidth, _) = Table("model.layers.0.self_attn.k_proj.weight");
        var (inner, _) = Table("model.layers.0.mlp.gate_proj.weight");
        var headWidth = forward switch
        {
            null => (long)BigInteger.GreatestCommonDivisor(width, keyWidth),
            { Heads: null } => Llama.HeadWidth,
            { Heads: var heads } => heads > 0 && width % heads == 0 ? width / heads.Value : 0,
        };
        if (headWidth == 0 || width % headWidth > 0 || keyWidth % headWidth > 0)
        {
            throw new ArgumentException($"{path}: is {width} wide, with keys of {keyWidth}, no multiples of {(headWidth > 0 ? headWidth : "a head's width")}: say with --heads how many heads there are");
        }

        var layers = 0;
        while (byName.ContainsKey($"model.layers.{layers}.self_attn.k_proj.weight")) layers++;
        // Before anything is made of each.
        if (layers > entries.Count / TensorsPerLayer) throw new CheckpointException(CheckpointError.Mismatch, path, $"has keys for {layers} layers, which {entries.Count} tensors cannot fill");
        return () => new Llama(vocabulary, width, inner, width / headWidth, keyWidth / headWidth, layers);

        (long Rows, long Columns) Table(string name) => byName.GetValueOrDefault(name)?.Shape is [> 0 and <= LargestTable and var rows, > 0 and <= LargestTable and var columns]
            ? (rows, columns)
            : throw new CheckpointException(CheckpointError.Mismatch, path, $"is missing or no table, or has more than {LargestTable} rows or columns; Llama as Hugging Face names it has one", name);
    }
}
