using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Harness.Output;

/// <summary>Who held the memory, for people.</summary>
internal static class HoldersText
{
    /// <summary>"host memory at the engine's peak, 3292 MiB: model 1646 MiB, state dict 1646 MiB".</summary>
    public static string Head(CaseResult result, Holders held) =>
        $"{PrintableText.Escape(held.Memory)} memory {(IsAtPeak(result) ? "at the engine's peak" : "when the worker told it last")}, {ByteSize.Format(held.Bytes)}: {Uses(held)}";

    /// <summary>"model 1646 MiB, state dict 1646 MiB".</summary>
    public static string Uses(Holders held) => string.Join(", ", held.Uses.Select(u => $"{PrintableText.Escape(u.Use)} {ByteSize.Format(u.Bytes)}"));

    /// <summary>The largest, as "196 MiB  state dict  tok_emb.weight".</summary>
    public static IEnumerable<string> Largest(Holders held) =>
        held.Largest.Select(t => $"{ByteSize.Format(t.Bytes),10}  {PrintableText.Escape(t.Use),-10}  {PrintableText.Escape(t.Tensor ?? "")}".TrimEnd());

    // A load that something ended from outside could not sum up any more.
    private static bool IsAtPeak(CaseResult result) => result.Outcome is not (Outcome.Killed or Outcome.Timeout or Outcome.Error);
}
