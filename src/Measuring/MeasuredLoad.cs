using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Forward;
using Loadline.Gauges;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Measuring;

/// <summary>
/// Loads once with all gauges on and tells what happens as it happens. The worker does this in its container, and <c>loadline load</c> in its own
/// process.
/// </summary>
internal static class MeasuredLoad
{
    private const int EvictionAttempts = 20;
    private static readonly TimeSpan EvictionPause = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs the load. Whatever goes wrong is told as a <see cref="FailedEvent"/>; nothing is thrown.</summary>
    /// <param name="request">What to load, and how.</param>
    /// <param name="tell">Gets every event, one at a time; samples come from the sampler's thread.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static int Run(LoadRequest request, Action<WorkerEvent> tell) => Run(request, tell, ModelTarget.Instance);

    /// <summary><see cref="Run(LoadRequest, Action{WorkerEvent})"/>, into what a program takes weights over with.</summary>
    internal static int Run(LoadRequest request, Action<WorkerEvent> tell, ILoadTarget target)
    {
        var started = false;
        try
        {
            request = request with { Options = request.Options.Validated() };
            started = true;
            Load(target, request, request.HoldAt is { } phase ? HoldingAt(phase, tell) : tell);
            return ExitCodes.Loaded;
        }
        catch (Exception e)
        {
            var (exitCode, kind) = Classify(e, started);
            tell(new FailedEvent(kind, FailureMessage.Of(e, kind)) { Cause = FailedEvent.CauseOf(e, request.Path) });
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

    private static (int ExitCode, string Kind) Classify(Exception e, bool started) => e switch
    {
        // No option is out of its range any more: what throws this is a bug, and no refusal that somebody may expect.
        ArgumentOutOfRangeException or ArgumentNullException when started => (ExitCodes.Infrastructure, "error"),
        CheckpointException or ArgumentException or TakenNameException => (ExitCodes.Refused, "refused"),
        DeviceOutOfMemoryException => (ExitCodes.DeviceOutOfMemory, "device-oom"),
        CompanionException { WasKilled: true } => (ExitCodes.Killed, "killed"),
        VerificationException => (ExitCodes.VerificationFailed, "verification-failed"),
        // The machine's failure or a bug of ours; the message tells them apart.
        _ => (ExitCodes.Infrastructure, "error"),
    };

    private static void Load(ILoadTarget target, LoadRequest request, Action<WorkerEvent> tell)
    {
        var options = request.Options;
        var cold = !request.IsCompanion && !request.KeepsPageCache && Evict(request.Path);
        using var engine = target.Start(options);
        using var measurement = new Measurement(engine, tell, request.SampleInterval, request.Processes);
        measurement.Begin(cold);
        using var companions = Companions.Start(request);

        engine.Observer.Phase("open");
        using var opened = Checkpoint.Open(request.Path);
        var checkpoint = options.Select(opened);
        using var weights = target.Prepare(checkpoint, request, engine);
        var model = Load(weights, measurement);
        if (request.Processes > 1)
        {
            // Mapped weights take nothing before they are read: only then do the gauges show what several processes hold.
            var verified = ReadBack();
            var others = companions.WaitForReports();
            measurement.Loaded();
            tell(measurement.Report(model, checkpoint, options, cold, others));
            tell(verified);
            companions.Release();
            return;
        }

        measurement.Loaded();
        var logits = request.Forward is null ? null : Compute(weights, measurement);
        var passes = Use(weights, model, request, measurement);
        tell(measurement.Report(model, checkpoint, options, cold) with { Forward = logits is null ? null : LogitsVerifier.Result(logits), Passes = passes });
        if (logits is not null) tell(weights.Verify(logits));
        if (request.VerifyDigests) tell(ReadBack());
        if (request.IsCompanion) Companions.WaitForRelease();

        VerifiedEvent ReadBack()
        {
            engine.Observer.Phase("verify");
            return weights.ReadBack();
        }
    }

    private static Model Load(ITargetedLoad weights, Measurement measurement)
    {
        try
        {
            return weights.Load();
        }
        catch
        {
            measurement.TellHolders();
            throw;
        }
    }

    // While the measurement goes on: what a model takes to compute counts as well.
    private static Logits Compute(ITargetedLoad weights, Measurement measurement)
    {
        measurement.Phase("verify");
        return weights.Compute();
    }

    private static List<PassReport>? Use(ITargetedLoad weights, Model model, LoadRequest request, Measurement measurement)
    {
        if (request.Passes == 0) return null;
        var weightBytes = model.ByStorage().Sum(group => group.Key.Bytes);
        var passes = new List<PassReport>();
        while (passes.Count < request.Passes) passes.Add(measurement.Pass(weightBytes, request.Use == WeightUse.Forward ? () => weights.Compute() : weights.Read));
        return passes;
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
