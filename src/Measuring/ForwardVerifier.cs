using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Strategies.Dispatch;
using Loadline.Strategies.Forward;

namespace Loadline.Measuring;

/// <summary>Computes with a model that was loaded, and holds what comes out against the logits recorded beside the file.</summary>
internal sealed class ForwardVerifier
{
    private readonly Checkpoint _checkpoint;
    private readonly IReadOnlyList<TensorEntry> _entries;
    private readonly ForwardOptions _options;
    private readonly int _threads;
    private readonly Gpt2Shape _shape;

    /// <summary>Looks at the header only: what cannot be computed is refused before it is loaded.</summary>
    /// <exception cref="CheckpointException">The checkpoint holds no GPT-2 that is computed.</exception>
    /// <exception cref="ArgumentException">The weights go where nothing is computed.</exception>
    public ForwardVerifier(Checkpoint checkpoint, LoadOptions load, ForwardOptions options)
    {
        if (load.Device.IsAccelerator) throw new ArgumentException($"--verify forward computes on the cpu, not on {load.Device}: load with --device cpu");
        (_checkpoint, _options, _threads) = (checkpoint, options, load.Readers);
        _entries = load.Model?.Match(checkpoint) ?? checkpoint.Entries;
        _shape = Gpt2Shape.Of(checkpoint.Path, _entries, options.Heads);
    }

    /// <summary>The logits.</summary>
    /// <exception cref="ArgumentException">A layer takes more than may be resident.</exception>
    public Logits Run(Model model)
    {
        var dispatch = new DispatchOptions { ResidentBytes = _options.ResidentBytes, Readers = _threads };
        return new Gpt2Forward(_shape, _threads).Run(model.Layers(_shape.Modules, dispatch));
    }

    /// <summary>For the report; null where a logit is no number, of which there is nothing to report.</summary>
    public static ForwardResult? Result(Logits logits) =>
        logits.FirstNotFinite() is null ? new ForwardResult([Gpt2Forward.Input], logits.Top()) : null;

    /// <summary>Judges logits.</summary>
    /// <exception cref="VerificationException">One is not finite, or differs from what is recorded.</exception>
    public VerifiedEvent Verify(Logits logits)
    {
        if (logits.FirstNotFinite() is var (position, index))
        {
            throw new VerificationException($"{_checkpoint.Path}: logit {index} of position {position} is {logits[position][index]}: the weights are damaged, or were never trained");
        }

        var recorded = RecordedLogits.Find(_checkpoint.Path);
        if (recorded is null) return Verified("no recorded logits: all are finite");
        return recorded.Difference(logits, Tolerance(), out var apart) is { } difference
            ? throw new VerificationException($"{_checkpoint.Path}: {difference}")
            : Verified(FormattableString.Invariant($"the recorded logits: at most {apart:0.0e+0} of the largest apart"));
    }

    private VerifiedEvent Verified(string against) => new(_entries.Count, _entries.Sum(e => e.ByteCount), against);

    // In float32 only the order of sums differs. The logits of a narrower dtype may have been recorded before its weights were rounded, or by arithmetic in
    // that dtype: then PyTorch's own lie up to 5.5 of its units (2^-8 of bfloat16, 2^-11 of float16) apart for gpt2-medium.
    private double Tolerance() => _entries.Any(e => e.DType == DType.BFloat16) ? 8.0 / 256 : _entries.Any(e => e.DType == DType.Float16) ? 8.0 / 2048 : 1e-4;
}
