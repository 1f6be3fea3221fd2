using System.Globalization;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Harness.Output;

/// <summary>A use of loaded weights, for people.</summary>
internal static class PassText
{
    /// <summary>
    /// "pass 2: 0.91 s, 640 MiB read from the disk (1.02 of the weights), 5120 major faults, 163840 refaults, 0.71 s under pressure".
    /// </summary>
    public static string Of(PassReport pass, int index)
    {
        string?[] parts =
        [
            string.Create(CultureInfo.InvariantCulture, $"pass {index + 1}: {pass.Seconds:0.00} s"),
            pass.ReadBytes is { } bytes ? $"{ByteSize.Format(bytes)} read from the disk ({Rereads.Text(pass.Reread)} of the weights)" : "nobody counts what it read",
            string.Create(CultureInfo.InvariantCulture, $"{pass.MajorFaults} major faults"),
            pass.Refaults is { } refaults ? string.Create(CultureInfo.InvariantCulture, $"{refaults} refaults") : null,
            pass.PressureSeconds is { } pressure ? string.Create(CultureInfo.InvariantCulture, $"{pressure:0.00} s under pressure") : null,
        ];
        return string.Join(", ", parts.OfType<string>());
    }
}
