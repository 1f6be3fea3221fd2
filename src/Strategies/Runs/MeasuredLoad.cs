using Loadline.Checkpoints;
using Loadline.Strategies.Engines;
using Loadline.Strategies.Gauges;

namespace Loadline.Strategies.Runs;

/// <summary>
/// Loads once with all gauges on and tells what happens as it happens. The worker does this in its container, and <c>loadline load</c> in its own
/// process.
/// </summary>
public static class MeasuredLoad
{
    private const int EvictionAttempts = 20;
    private static readonly TimeSpan EvictionPause = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs the load. Whatever goes wrong is told as a <see cref="FailedEvent"/>; nothing is thrown.</summary>
    /// <param name="request">What to load, and how.</param>
    /// <param name="tell">Gets every event, one at a time; samples come from the sampler's thread.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static int Run(LoadRequest request, Action<WorkerEvent> tell)
    {
        try
        {
            Load(request, tell);
            return ExitCodes.Loaded;
        }
        catch (Exception e)
        {
            var (exitCode, kind) = Classify(e);
            tell(new FailedEvent(kind, kind == "error" ? $"{e.GetType().Name}: {e.Message}" : e.Message));
            return exitCode;
        }
    }

    private static (int ExitCode, string Kind) Classify(Exception e) => e switch
    {
        CheckpointException or ArgumentException => (ExitCodes.Refused, "refused"),
        DeviceOutOfMemoryException => (ExitCodes.DeviceOutOfMemory, "device-oom"),
        VerificationException => (ExitCodes.VerificationFailed, "verification-failed"),
        GaugeException => (ExitCodes.Infrastructure, "error"),
        _ => (ExitCodes.Error, "error"),
    };

    private static void Load(LoadRequest request, Action<WorkerEvent> tell)
    {
        var options = request.Options.Validated();
        var cold = Evict(request.Path);
        var engine = Engine.Create(options.Engine);
        using var measurement = new Measurement(engine, tell, request.SampleInterval);
        measurement.Begin(cold);

        engine.Observer.Phase("open");
        using var checkpoint = Checkpoint.Open(request.Path);
        using var model = Load(checkpoint, options, engine, measurement);
        tell(measurement.Report(model, checkpoint, options, cold));
        if (!request.VerifyDigests) return;

        engine.Observer.Phase("verify");
        var entries = options.Model?.Match(checkpoint) ?? checkpoint.Entries;
        tell(new WeightVerifier(checkpoint, options.Readers).Verify(model, entries));
    }

    private static Model Load(Checkpoint checkpoint, LoadOptions options, Engine engine, Measurement measurement)
    {
        try
        {
            return Loader.Load(checkpoint, options, engine);
        }
        catch
        {
            measurement.TellHolders();
            throw;
        }
    }

    // What is not there or cannot be read cannot be evicted either: opening it says so better.
    private static bool Evict(string path)
    {
        try
        {
            // Pages that a killed run's reads are still filling cannot be dropped until the disk is done with them.
            var residency = PageCache.Evict(CheckpointPaths.Whole(path));
            for (var attempt = 0; residency.ResidentBytes > 0 && attempt < EvictionAttempts; attempt++)
            {
                Thread.Sleep(EvictionPause);
                residency = PageCache.Evict(CheckpointPaths.Whole(path));
            }

            return residency.IsCold;
        }
        catch (GaugeException)
        {
            return false;
        }
    }
}
