using Loadline.Checkpoints.Conversion;

namespace Loadline.Measuring;

/// <summary>How far a conversion is.</summary>
/// <param name="Fraction">Of the bytes to be read, from 0 to 1.</param>
internal sealed record ProgressEvent(double Fraction) : WorkerEvent;

/// <summary>The new checkpoint is on the disk under its final name.</summary>
/// <param name="Report">What it came to.</param>
/// <param name="Seconds">From opening the source to the synced target.</param>
internal sealed record ConvertedEvent(ConversionReport Report, double Seconds) : WorkerEvent;
