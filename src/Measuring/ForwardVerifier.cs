using Loadline.Checkpoints;
using Loadline.DeviceMaps.Dispatch;
using Loadline.Forward;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Measuring;

/// <summary>Computes with a model that was loaded, and holds what comes out against the logits recorded beside the file.</summary>
internal sealed class ForwardVerifier
{
    private readonly Checkpoint _checkpoint;
    private readonly IReadOnlyList<TensorEntry> _entries;
    private readonly ForwardOptions _options;
    private readonly int _threads;
    private readonly Gpt2Shape _shape;
    private readonly TargetDType? _dtype;

    /// <summary>Looks at the header only: what cannot be computed is refused before it is loaded.</summary>
    /// <exception cref="CheckpointException">The checkpoint holds no GPT-2 that is computed.</exception>
    /// <exception cref="ArgumentException">The weights go where nothing is computed.</exception>
    public ForwardVerifier(Checkpoint checkpoint, LoadOptions load, ForwardOptions options)
    {
        if (load.Device.IsAccelerator) throw new ArgumentException($"a forward computes on the cpu, not on {load.Device}: load with --device cpu");
        (_checkpoint, _options, _threads, _dtype) = (checkpoint, options, load.Readers, load.DType?.In(checkpoint));
        _entries = load.Model?.Match(checkpoint) ?? checkpoint.Entries;
        _shape = Gpt2Shape.Of(checkpoint.Path, _entries, options.Heads);
    }

    /// <summary>The logits.</summary>
    /// <exception cref="ArgumentException">A layer takes more than may be resident.</exception>
    public Logits Run(Model model)
    {
        var dispatch = new DispatchOptions { ResidentBytes = _options.ResidentBytes, Readers = _threads };
        return new Gpt2Forward(_shape, _threads, _checkpoint.Entries.Count).Run(model.Layers(_shape.Modules, dispatch));
    }

    /// <summary>Judges logits.</summary>
    /// <exception cref="VerificationException">One is not finite, or differs from what is recorded.</exception>
    public VerifiedEvent Verify(Logits logits)
    {
        var computed = _shape.Of(_entries);
        return new LogitsVerifier(_checkpoint.Path, computed, _dtype, _entries.Count - computed.Count).Verify(logits);
    }
}
