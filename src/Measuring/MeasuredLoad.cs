using Loadline.Checkpoints;
using Loadline.Cuda;
using Loadline.Gauges;
using Loadline.Strategies;
using Loadline.Strategies.Engines;
using Loadline.Strategies.Forward;

namespace Loadline.Measuring;

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
            Load(request, request.HoldAt is { } phase ? HoldingAt(phase, tell) : tell);
            return ExitCodes.Loaded;
        }
        catch (Exception e)
        {
            var (exitCode, kind) = Classify(e);
            tell(new FailedEvent(kind, kind == "error" ? $"{e.GetType().Name}: {e.Message}" : e.Message));
            return exitCode;
        }
    }

    // Phases are told by the load's own thread: while the telling does not return, the load stands still.
    private static Action<WorkerEvent> HoldingAt(string phase, Action<WorkerEvent> tell) => e =>
    {
        tell(e);
        var began = e is StartEvent ? "start" : (e as PhaseEvent)?.Phase;
        if (began == phase) Thread.Sleep(Timeout.Infinite);
    };

    private static (int ExitCode, string Kind) Classify(Exception e) => e switch
    {
        CheckpointException or ArgumentException => (ExitCodes.Refused, "refused"),
        DeviceOutOfMemoryException => (ExitCodes.DeviceOutOfMemory, "device-oom"),
        CompanionException { WasKilled: true } => (ExitCodes.Killed, "killed"),
        VerificationException => (ExitCodes.VerificationFailed, "verification-failed"),
        GaugeException or IOException or CudaException => (ExitCodes.Infrastructure, "error"),
        _ => (ExitCodes.Error, "error"),
    };

    private static void Load(LoadRequest request, Action<WorkerEvent> tell)
    {
        var options = request.Options.Validated();
        var cold = !request.IsCompanion && !request.KeepsPageCache && Evict(request.Path);
        using var engine = Engine.Create(options.Engine);
        engine.Start(options.Devices);
        using var measurement = new Measurement(engine, tell, request.SampleInterval, request.Processes);
        measurement.Begin(cold);
        using var companions = Companions.Start(request);

        engine.Observer.Phase("open");
        using var opened = Checkpoint.Open(request.Path);
        var checkpoint = options.Select(opened);
        var forward = request.Forward is { } how ? new ForwardVerifier(checkpoint, options, how) : null;
        using var model = Load(checkpoint, options, engine, measurement);
        if (request.Processes > 1)
        {
            // Mapped weights take nothing before they are read: only then do the gauges show what several processes hold.
            var verified = Verify();
            var others = companions.WaitForReports();
            measurement.Loaded();
            tell(measurement.Report(model, checkpoint, options, cold, others));
            tell(verified);
            companions.Release();
            return;
        }

        measurement.Loaded();
        var logits = forward is null ? null : Compute(forward, model, measurement);
        tell(measurement.Report(model, checkpoint, options, cold) with { Forward = logits is null ? null : ForwardVerifier.Result(logits) });
        if (logits is not null) tell(forward!.Verify(logits));
        if (request.VerifyDigests) tell(Verify());
        if (request.IsCompanion) Companions.WaitForRelease();

        VerifiedEvent Verify()
        {
            engine.Observer.Phase("verify");
            return new WeightVerifier(checkpoint, options.Readers).Verify(model, options.EntriesIn(checkpoint));
        }
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

    // While the measurement goes on: what a model takes to compute counts as well.
    private static Logits Compute(ForwardVerifier forward, Model model, Measurement measurement)
    {
        measurement.Phase("verify");
        return forward.Run(model);
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
