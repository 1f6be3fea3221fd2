using Loadline.Checkpoints;
using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.Examples;

/// <summary>
/// GPT-2 as Hugging Face lays it out, for the module with the article's names: query, key and value are one tensor there, and linear layers are Conv1D, with
/// inputs before outputs. All of it is views of the file: nothing is copied.
/// </summary>
/// <remarks>Source: transformers/models/gpt2/modeling_gpt2.py and transformers/pytorch_utils.py (Conv1D).</remarks>
public static class HuggingFace
{
    /// <summary>Options for such a file.</summary>
    public static ModuleLoadOptions Options { get; } = new()
    {
        Compute = Compute,
        // Masks of older files, and a head that is tied to the embedding.
        Ignore = ["*attn.bias", "*attn.masked_bias", "*lm_head.weight"],
    };

    /// <summary>Whether a checkpoint is laid out so.</summary>
    public static bool IsLayoutOf(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        return checkpoint.TryFind("wte.weight", out _) || checkpoint.TryFind("transformer.wte.weight", out _);
    }

    private static torch.Tensor? Compute(string name, CheckpointTensors file) => name.Split('.') switch
    {
        ["tok_emb", "weight"] => Get(file, "wte.weight"),
        ["pos_emb", "weight"] => Get(file, "wpe.weight"),
        ["out_head", "weight"] => file.TryGet("lm_head.weight", out var head) ? head : Get(file, "wte.weight"),
        ["final_norm", var part] => Get(file, $"ln_f.{Norm(part)}"),
        ["trf_blocks", var block, "norm1", var part] => Get(file, $"h.{block}.ln_1.{Norm(part)}"),
        ["trf_blocks", var block, "norm2", var part] => Get(file, $"h.{block}.ln_2.{Norm(part)}"),
        ["trf_blocks", var block, "att", "W_query", var part] => Third(Get(file, $"h.{block}.attn.c_attn.{part}"), 0),
        ["trf_blocks", var block, "att", "W_key", var part] => Third(Get(file, $"h.{block}.attn.c_attn.{part}"), 1),
        ["trf_blocks", var block, "att", "W_value", var part] => Third(Get(file, $"h.{block}.attn.c_attn.{part}"), 2),
        ["trf_blocks", var block, "att", "out_proj", var part] => Get(file, $"h.{block}.attn.c_proj.{part}").t(),
        ["trf_blocks", var block, "ff", "layers", "0", var part] => Get(file, $"h.{block}.mlp.c_fc.{part}").t(),
        ["trf_blocks", var block, "ff", "layers", "2", var part] => Get(file, $"h.{block}.mlp.c_proj.{part}").t(),
        // No file of today's has it: which positions are hidden from which.
        ["trf_blocks", _, "att", "mask"] => torch.ones(Get(file, "wpe.weight").shape[0], Get(file, "wpe.weight").shape[0], device: torch.CPU).triu(1),
        _ => null,
    };

    private static torch.Tensor Get(CheckpointTensors file, string name) => file.TryGet($"transformer.{name}", out var tensor) ? tensor : file[name];

    // The last dimension holds query, key and value one after the other. A vector's transpose is itself.
    private static torch.Tensor Third(torch.Tensor fused, int which)
    {
        var width = fused.shape[^1] / 3;
        return fused.narrow(-1, which * width, width).t();
    }

    private static string Norm(string part) => part == "scale" ? "weight" : "bias";
}
