using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Builds modules that do not pay for values which a load replaces.</summary>
public static class Skeleton
{
    private static readonly ConditionalWeakTable<torch.nn.Module, long[]> Shapes = [];

    /// <summary>
    /// Runs a constructor with the meta device as TorchSharp's default: what it makes without naming a device has a shape and no memory, and initialising
    /// it is free. Modules whose weights native code holds need memory: build embeddings by <see cref="Embedding"/>, and recurrent layers,
    /// attention and transformers with <c>device: torch.CPU</c>. The default device is the process's: build on one thread at a time.
    /// </summary>
    public static T Build<T>(Func<T> construct)
        where T : torch.nn.Module
    {
        var before = torch.get_default_device();
        torch.set_default_device(torch.META);
        try
        {
            return construct();
        }
        finally
        {
            torch.set_default_device(before);
        }
    }

    /// <summary>
    /// An embedding without weights, which native code would else initialise on the CPU. Until <see cref="ModuleWeights.LoadWeights"/> gives it
    /// weights of this shape it has one row of one number.
    /// </summary>
    /// <param name="count">Rows: the size of the vocabulary.</param>
    /// <param name="width">Numbers in a row.</param>
    public static Embedding Embedding(long count, long width)
    {
        var embedding = torch.nn.Embedding(1, 1, device: torch.CPU);
        Shapes.Add(embedding, [count, width]);
        return embedding;
    }

    /// <summary>The shape that a module built here is to have; null for all others.</summary>
    internal static long[]? ShapeOf(torch.nn.Module module) => Shapes.TryGetValue(module, out var shape) ? shape : null;
}
