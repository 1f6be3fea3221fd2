using Loadline.DeviceMaps.Dispatch;

namespace Loadline.Forward;

/// <summary>
/// The article's GPTModel, computed in float32 on the CPU. Beside the weights it takes activations, a buffer for each thread, and the logits: a few MiB.
/// </summary>
/// <param name="shape">The model's.</param>
/// <param name="threads">How many compute.</param>
/// <param name="names">How many tensors the checkpoint has.</param>
internal sealed class Gpt2Forward(Gpt2Shape shape, int threads, int names)
{
    /// <summary>The batch of one sequence that is computed.</summary>
    public static readonly IReadOnlyList<int> Input = [1, 2, 3];

    // About as many as a block makes, those of its feed-forward four times as wide.
    private const int MatricesPerBlock = 20;

    // Less than a block of the smallest real one makes.
    private const long UncollectedBytes = 128 * ByteSize.KiB;

    // A collection takes as long as the checkpoint has names, and there may be a thousand layers, however narrow. More than a real one's names come to.
    private const long UncollectedBytesPerName = 64;

    private readonly long _mostUncollectedBytes = Math.Max(UncollectedBytes, UncollectedBytesPerName * names);

    private readonly WeightReaders _readers = new(threads);

    /// <summary>The logits of every position.</summary>
    /// <param name="layers">The layers of <see cref="Gpt2Shape.Modules"/>, in that order.</param>
    public Logits Run(IEnumerable<Layer> layers)
    {
        var x = new Matrix(Input.Count, shape.Width);
        var uncollectedBytes = 0L;
        foreach (var layer in layers)
        {
            var module = new Module(layer, layer.Name, _readers);
            x = layer.Name switch
            {
                "tok_emb" => Embedding.Of(Input, module, shape.Width),
                "pos_emb" => x + Embedding.Of([.. Enumerable.Range(0, Input.Count)], module, shape.Width),
                "final_norm" => LayerNorm.Apply(x, module),
                "out_head" => Linear.Apply(x, module),
                _ => Block(x, module),
            };
            // When activations would be collected otherwise depends on the threads' luck, and would be seen in the peak.
            uncollectedBytes += MatricesPerBlock * Input.Count * shape.Width * (long)sizeof(float);
            // The end by itself: of a use before, the logits are left.
            if (uncollectedBytes < _mostUncollectedBytes && layer.Name is not ("final_norm" or "out_head")) continue;
            GC.Collect();
            uncollectedBytes = 0;
        }

        return new Logits(x);
    }

    private Matrix Block(Matrix x, Module block)
    {
        x += Attention.Apply(LayerNorm.Apply(x, block["norm1"]), block["att"], shape.Heads);
        return x + FeedForward.Apply(LayerNorm.Apply(x, block["norm2"]), block["ff"]);
    }
}
