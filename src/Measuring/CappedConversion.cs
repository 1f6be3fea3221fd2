using System.Diagnostics;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Selection;

namespace Loadline.Measuring;

/// <summary>One conversion.</summary>
/// <param name="Path">The checkpoint.</param>
/// <param name="Target">Where the new one goes.</param>
/// <param name="Options">What to make.</param>
internal sealed record ConversionRequest(string Path, string Target, ConversionOptions Options)
{
    /// <summary>Which tensors, and by which names.</summary>
    public EntrySelection Names { get; init; } = EntrySelection.All;
}

/// <summary>Converts, and tells what happens as it happens: what the worker does under a cap.</summary>
internal static class CappedConversion
{
    private const double ProgressStep = 0.01;

    /// <summary>Runs the conversion. Whatever goes wrong is told as a <see cref="FailedEvent"/>; nothing is thrown.</summary>
    /// <param name="request">What to convert.</param>
    /// <param name="tell">Gets every event.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static int Run(ConversionRequest request, Action<WorkerEvent> tell)
    {
        try
        {
            var clock = Stopwatch.StartNew();
            using var source = Checkpoint.Open(request.Path, request.Names);
            var told = 0.0;
            var report = CheckpointConverter.Convert(source, request.Target, request.Options, Progress);
            tell(new ConvertedEvent(report, clock.Elapsed.TotalSeconds));
            return ExitCodes.Loaded;

            void Progress(double fraction)
            {
                if (fraction < told + ProgressStep) return;
                tell(new ProgressEvent(told = fraction));
            }
        }
        catch (Exception e)
        {
            var isRefusal = e is CheckpointException or TakenNameException;
            tell(new FailedEvent(isRefusal ? "refused" : "error", isRefusal || e is IOException or UnauthorizedAccessException ? e.Message : $"{e.GetType().Name}: {e.Message}"));
            return isRefusal ? ExitCodes.Refused : ExitCodes.Infrastructure;
        }
    }
}
