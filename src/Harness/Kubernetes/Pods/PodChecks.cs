using System.Globalization;
using Loadline.Checkpoints;

namespace Loadline.Harness.Kubernetes.Pods;

/// <summary>Whether a pod ran what its case says: a cluster may change what it is given, and the budget file may have changed since.</summary>
internal static class PodChecks
{
    private const string Memory = "memory";
    private const int MostImageChars = 300;

    /// <summary>What it did instead, as the rest of a sentence; null where it ran the case.</summary>
    public static string? WhyOther(Pod pod, ClusterCase one)
    {
        if (pod.Case is not { } container) return $"has no container '{PodManifest.Container}'";
        if (pod.Spec.Containers!.Count(c => c.Name == PodManifest.Container) > 1) return $"has two containers '{PodManifest.Container}'";
        if (one.Case.Image is { } image && !IsOf(container.Image, PrintableText.Escape(image)))
            return $"has another image than its case says, {PrintableText.Shorten(container.Image ?? "none", MostImageChars)}";
        if (!Same(container.Command, one.Command) || !Same(container.Args, one.Arguments))
            return "ran another command than its case says: write and apply the cases again";
        var cap = one.Case.CapBytes;
        foreach (var (what, resources) in new[] { ("limit", container.Resources?.Limits), ("request", container.Resources?.Requests) })
        {
            var text = resources?.GetValueOrDefault(Memory);
            // With less requested than allowed, a node may give it swap, or slow it down below the limit.
            if (MemoryQuantity.TryParse(text) != cap) return $"had a {what} of {text ?? "no memory"}, and not its cap of {MemoryQuantity.Of(cap)}";
        }

        // A pod may be resized where it runs: then its node tells of another limit than was asked for.
        if (pod.CaseStatus?.Resources?.Limits?.GetValueOrDefault(Memory) is { } held && MemoryQuantity.TryParse(held) != cap)
            return $"was held to a limit of {held}, and not to its cap of {MemoryQuantity.Of(cap)}";
        var gpus = container.Resources?.Limits?.GetValueOrDefault(PodManifest.GpuResource) ?? "0";
        var needed = one.Case.GpuCount.ToString(CultureInfo.InvariantCulture);
        return gpus == needed ? null : $"had {gpus} GPUs, and its case says {needed}";
    }

    // A cluster may take it from a mirror, and say which of its versions that was.
    private static bool IsOf(string? image, string meant) =>
        image is not null && (image == meant || image.EndsWith("/" + meant, StringComparison.Ordinal) || image.StartsWith(meant + "@", StringComparison.Ordinal));

    // What came in is fit to be shown, and so is compared with.
    private static bool Same(IReadOnlyList<string>? words, IReadOnlyList<string>? meant) =>
        (words ?? []).SequenceEqual((meant ?? []).Select(PodManifest.Unexpanded).Select(PrintableText.Escape));
}
