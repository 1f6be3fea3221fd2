using TorchSharp;
using TorchSharp.Modules;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Builds modules that do not pay for values which a load replaces.</summary>
public static class Skeleton
{
    // Of two at once the second would take the first one's meta for what was before, and leave the process on it. It covers the buffers, whose values are
    // computed on the device before.
    private static readonly Lock Building = new();

    /// <summary>
    /// Runs a constructor with the meta device as TorchSharp's default: what it makes without naming a device has a shape and no memory, and initialising
    /// it is free.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Modules that compute in native code (embeddings, recurrent layers) are made in memory by TorchSharp, one at a time, and give it back here; until they
    /// are loaded their weights are NaN. Attention and transformers stay in memory as TorchSharp leaves them.
    /// </para>
    /// <para>
    /// The default device is the process's: what another thread makes meanwhile without naming a device is on meta, too. Build before other threads compute, or
    /// let them name their devices. Threads that build at once take turns; a constructor must not wait for another thread that builds.
    /// </para>
    /// </remarks>
    /// <param name="construct">The constructor.</param>
    /// <param name="computeBuffer">
    /// The values of buffers that are not persistent, by full name, as in <c>rope.inv_freq</c>: no checkpoint has them, and what the constructor computed is
    /// lost on the meta device. It runs after the constructor, with the device that was TorchSharp's default before; null for a name leaves it without.
    /// </param>
    public static T Build<T>(Func<T> construct, Func<string, torch.Tensor?>? computeBuffer = null)
        where T : torch.nn.Module
    {
        lock (Building)
        {
            var module = OnMeta(construct);
            NativeModules.Restore(module);
            if (computeBuffer is not null) HiddenBuffers.Compute(module, computeBuffer);
            return module;
        }
    }

    /// <summary>
    /// An embedding that never takes memory for rows which it gets when it is loaded, not even while it is made: until then they are NaN.
    /// </summary>
    /// <param name="count">Rows: the size of the vocabulary.</param>
    /// <param name="width">Numbers in a row.</param>
    public static Embedding Embedding(long count, long width)
    {
        using var noGrad = torch.no_grad();
        var embedding = torch.nn.Embedding(1, 1, device: torch.CPU);
        NativeModules.Forget(embedding.named_parameters(recurse: false).Single().parameter, [count, width]);
        return embedding;
    }

    private static T OnMeta<T>(Func<T> construct)
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
}
