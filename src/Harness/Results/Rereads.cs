using System.Globalization;
using Loadline.Measuring;

namespace Loadline.Harness.Results;

/// <summary>What uses of loaded weights read from the disk again, as a share of the weights.</summary>
internal static class Rereads
{
    /// <summary>What is allowed where nobody has said what: far below what thrashes, far above what the kernel reads by the way.</summary>
    public const double Default = 0.05;

    /// <summary>Of a load that is at ease: less is read again than one page in a hundred.</summary>
    public const double Comfortable = 0.01;

    /// <summary>
    /// The most of the passes after the first, which reads what nobody has read before; null where there is none, or nobody counts.
    /// </summary>
    public static double? OfLater(IReadOnlyList<PassReport>? passes) => passes?.Skip(1).Max(pass => pass.Reread);

    /// <summary>Of the last pass.</summary>
    public static double? OfLast(IReadOnlyList<PassReport>? passes) => passes is { Count: > 0 } ? passes[^1].Reread : null;

    /// <summary>"1.02", and "-" for what is not known.</summary>
    public static string Text(double? reread) => reread?.ToString("0.00", CultureInfo.InvariantCulture) ?? "-";
}
