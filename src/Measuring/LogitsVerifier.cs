using Loadline.Checkpoints;
using Loadline.Forward;

namespace Loadline.Measuring;

/// <summary>Holds logits, whoever computed them, against those recorded beside the file.</summary>
/// <param name="path">The checkpoint.</param>
/// <param name="entries">The tensors they were computed with.</param>
/// <param name="others">How many were loaded beside them.</param>
internal sealed class LogitsVerifier(string path, IReadOnlyList<TensorEntry> entries, int others = 0)
{
    /// <summary>For the report; null where a logit is no number, of which there is nothing to report.</summary>
    public static ForwardResult? Result(Logits logits) =>
        logits.FirstNotFinite() is null ? new ForwardResult([Gpt2Forward.Input], logits.Top()) : null;

    /// <summary>Judges logits.</summary>
    /// <exception cref="VerificationException">One is not finite, or differs from what is recorded.</exception>
    public VerifiedEvent Verify(Logits logits)
    {
        if (logits.FirstNotFinite() is var (position, index))
        {
            throw new VerificationException($"{path}: logit {index} of position {position} is {logits[position][index]}: the weights are damaged, or were never trained");
        }

        var recorded = RecordedLogits.Find(path);
        if (recorded is null) return Verified("no recorded logits: all are finite");
        return recorded.Difference(logits, Tolerance(), out var apart) is { } difference
            ? throw new VerificationException($"{path}: {difference}")
            : Verified(FormattableString.Invariant($"the recorded logits: at most {apart:0.0e+0} of the largest apart"));
    }

    private VerifiedEvent Verified(string against) =>
        new(entries.Count, entries.Sum(e => e.ByteCount), others == 0 ? against : $"{against}; not computed with {others} more, which are not the model's");

    // In float32 only the order of sums differs. The logits of a narrower dtype may have been recorded before its weights were rounded, or by arithmetic in
    // that dtype: then PyTorch's own lie up to 5.5 of its units (2^-8 of bfloat16, 2^-11 of float16) apart for gpt2-medium.
    private double Tolerance() =>
        Has(DType.BFloat16) ? 8.0 / 256 : Has(DType.Float16) ? 8.0 / 2048 : 1e-4;

    // Of what is multiplied with: a mask's zeros and ones lose nothing, and a norm's or a bias's share is small.
    private bool Has(DType dtype) => entries.Any(e => e.DType == dtype && e.Shape.Length > 1 && !e.Name.EndsWith(".mask", StringComparison.Ordinal));
}
