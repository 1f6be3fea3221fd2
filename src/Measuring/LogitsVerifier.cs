using Loadline.Checkpoints;
using Loadline.Forward;
using Loadline.Reading;

namespace Loadline.Measuring;

/// <summary>Holds logits, whoever computed them, against those recorded beside the file.</summary>
/// <param name="path">The checkpoint.</param>
/// <param name="entries">The tensors they were computed with.</param>
/// <param name="target">The dtype that they were loaded as, of this checkpoint; null where each kept its own.</param>
/// <param name="others">How many were loaded beside them.</param>
internal sealed class LogitsVerifier(string path, IReadOnlyList<TensorEntry> entries, TargetDType? target = null, int others = 0)
{
    private const string Positions = "pos_emb.weight";

    // Of GPT-2 and of Llama: a token or a position takes one row of its own.
    private static readonly string[] Tables = ["tok_emb.weight", "model.embed_tokens.weight", Positions];

    /// <summary>For the report; null where a logit is no number, or larger than any that is told: there is nothing to report.</summary>
    public static ForwardResult? Result(Logits logits)
    {
        if (logits.FirstNotFinite() is not null) return null;
        var top = logits.Top();
        return top.All(t => Math.Abs(t.Logit) <= StrangersJson<WorkerEvent>.MostNumber) ? new ForwardResult([Gpt2Forward.Input], top) : null;
    }

    /// <summary>Judges logits.</summary>
    /// <exception cref="VerificationException">One is not finite, or differs from what is recorded.</exception>
    public VerifiedEvent Verify(Logits logits)
    {
        if (logits.FirstNotFinite() is var (position, index))
        {
            throw new VerificationException($"{path}: logit {index} of position {position} is {logits[position][index]}: the weights are damaged, or were never trained");
        }

        var recorded = RecordedLogits.Find(path, logits.Positions, logits.Vocabulary);
        if (recorded is null) return Verified("no recorded logits: all are finite");
        return recorded.Difference(logits, Tolerance(), out var apart) is { } difference
            ? throw new VerificationException($"{path}: {difference}")
            : Verified(FormattableString.Invariant($"the recorded logits: at most {apart:0.0e+0} of the largest apart"));
    }

    private VerifiedEvent Verified(string against) =>
        new(entries.Count, entries.Sum(e => Loaded(e).ByteCount(e.ElementCount)), against + Part() + (others == 0 ? "" : $"; not computed with {others} more, which are not the model's"));

    // What of them the logits depend on: elsewhere they may hold anything.
    private string Part()
    {
        var (rows, tables) = (Gpt2Forward.Input.Count, Tables.Where(name => entries.Any(e => e.Name == name && IsReadInPart(e))).ToList());
        var part = tables.Count == 0 ? "" : $"; of {string.Join(" and ", tables)} {rows} rows{(tables.Count > 1 ? " each" : "")}";
        if (!entries.Any(IsMask)) return part;
        return $"{part}{(part.Length == 0 ? ";" : ",")} of a mask {rows} by {rows}";
    }

    // All of a table of tokens takes part where it is the head as well.
    private bool IsReadInPart(TensorEntry table) => table.Name == Positions || !entries.Any(e =>
        e.Name is "out_head.weight" or "lm_head.weight" && e.Storage == table.Storage && e.StorageOffset == table.StorageOffset && e.DType == table.DType
        && e.Shape.AsSpan().SequenceEqual(table.Shape.AsSpan()) && e.Strides.AsSpan().SequenceEqual(table.Strides.AsSpan()));

    private static bool IsMask(TensorEntry entry) => entry.Name.EndsWith(".mask", StringComparison.Ordinal);

    private DType Loaded(TensorEntry entry) => target?.Of(entry) ?? entry.DType;

    // In float32 only the order of sums differs. The logits of a narrower dtype, of the file or of the load, may have been recorded before its weights were rounded, or
    // by arithmetic in that dtype: then PyTorch's own lie up to 5.5 of its units (2^-8 of bfloat16, 2^-11 of float16) apart for gpt2-medium.
    private double Tolerance() =>
        Has(DType.BFloat16) ? 8.0 / 256 : Has(DType.Float16) ? 8.0 / 2048 : 1e-4;

    // Of what is multiplied with: a mask's zeros and ones lose nothing, and a norm's or a bias's share is small.
    private bool Has(DType dtype) => entries.Any(e => (e.DType == dtype || Loaded(e) == dtype) && e.Shape.Length > 1 && !IsMask(e));
}
