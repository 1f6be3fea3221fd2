using Loadline.Checkpoints;
using Loadline.Strategies;

namespace Loadline.Forward.Models;

/// <summary>Every model whose names and shapes are known here.</summary>
public static class KnownModels
{
    /// <summary>The names that <see cref="TryCreate"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Gpt2.Names, .. Llama3.Names];

    /// <summary>The model of a name, or null where there is none of that name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="dtype">Of all its tensors; null takes what the checkpoint stores.</param>
    public static ModelSpec? TryCreate(string name, DType? dtype = null) => Gpt2.TryCreate(name, dtype) ?? Llama3.TryCreate(name, dtype);

    /// <summary>What the model's weights were published in; float32 for a name that is unknown.</summary>
    public static DType PublishedDType(string name) => Llama3.Names.Contains(name) ? DType.BFloat16 : DType.Float32;

    /// <summary>What the model's weights were published as; one PyTorch file for a name that is unknown.</summary>
    public static CheckpointFormat PublishedFormat(string name) => Llama3.Names.Contains(name) ? CheckpointFormat.Sharded : CheckpointFormat.Pth;
}
