using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Making;
using Loadline.Harness.Runtimes;
using Loadline.Measuring;

namespace Loadline.Harness.Runs;

/// <summary>Runs conversions in a runtime, under a cap. What a killed one wrote is removed.</summary>
internal sealed class CappedConverter(IContainerRuntime runtime)
{
    // Longer than anyone waits.
    private const double MostSeconds = 1e8;

    /// <summary>Converts an open checkpoint; of the request, both paths are absolute.</summary>
    /// <exception cref="IOException">There is no folder for the target.</exception>
    /// <exception cref="RuntimeException">It could not be run at all.</exception>
    public async Task<ConversionOutcome> RunAsync(
        Checkpoint source, ConversionRequest request, long capBytes, Action<double> progress, CancellationToken cancellation)
    {
        // The name is chosen here, because a worker that is killed can neither tell it nor remove what is there.
        var pending = PendingCheckpoints.Begin(request.Target);
        var spec = SpecOf(source, request, pending, capBytes);
        FailedEvent? failed = null;
        ConvertedEvent? converted = null;
        // A path with a slash at its end is none of a file.
        var target = Path.TrimEndingDirectorySeparator(request.Target);
        var before = FileIdentity.Of(target);
        try
        {
            var ended = await runtime.RunAsync(spec, Take, cancellation);
            if (converted is null || failed is not null || ended.ExitCode != ExitCodes.Loaded) return Failure(request.Path, spec, ended, failed);
            // What it says is a claim; the target is the evidence.
            return FileIdentity.Of(target) is { } made && made != before
                ? new ConversionOutcome(ExitCodes.Loaded, converted, null)
                : new ConversionOutcome(ExitCodes.Infrastructure, null, $"{request.Target}: was not made, though the worker says so");
        }
        finally
        {
            // Nothing stands there once it has its name.
            PendingCheckpoints.Remove(pending);
        }

        void Take(string line)
        {
            switch (WorkerJson.TryRead(line))
            {
                case ProgressEvent done: progress(Math.Clamp(done.Fraction, 0, 1)); break;
                case ConvertedEvent { Seconds: >= 0 and < MostSeconds } report: converted = report; break;
                case FailedEvent failure: failed = failure; break;
            }
        }
    }

    private static ContainerSpec SpecOf(Checkpoint source, ConversionRequest request, string pending, long capBytes)
    {
        var folder = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(request.Target))!;
        if (!Directory.Exists(folder)) throw new IOException($"{request.Target}: there is no folder {folder}");
        var options = request.Options;
        List<string> command = [ContainerSpec.Worker, "convert", request.Path, request.Target, "--format", options.Format.Name(), "--pending", pending];
        if (options.DType is { } dtype) command.AddRange(["--dtype", dtype.Name]);
        if (options.Format == CheckpointFormat.Sharded) command.AddRange(["--shard-size", ByteSize.FormatExact(options.ShardBytes)]);
        if (options.AllowOverflow) command.AddRange(["--allow-overflow", "true"]);
        command.AddRange(request.Names.Arguments);
        return new ContainerSpec
        {
            Command = command,
            CapBytes = capBytes,
            // What lies in the writable folder comes with it; a mount of its own could not be replaced by a rename. An index names shards beside it.
            Mounts = [.. source.Files.Select(Path.GetFullPath).Where(f => !IsInside(f, request.Path)).Prepend(request.Path).Where(m => !IsInside(m, folder))],
            WritableMounts = [folder],
            // Read and written once each.
            Timeout = BudgetCase.TimeoutFor(2.0 * source.StorageBytes),
        };
    }

    private static bool IsInside(string path, string folder) => (path + "/").StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal);

    private static ConversionOutcome Failure(string path, ContainerSpec spec, ContainerOutcome ended, FailedEvent? failed)
    {
        if (ended.TimedOut) return new(ExitCodes.Infrastructure, null, $"{path}: the conversion did not end within {spec.Timeout.TotalSeconds:0} s");
        if (ended.KilledByCap) return new(ExitCodes.Killed, null, $"{path}: the conversion was killed by the cap of {SizeText.InWords(spec.CapBytes)}");
        // One that ended well and did not convert is none of ours; nor are other codes than the worker's.
        var code = ended.ExitCode == ExitCodes.Refused ? ExitCodes.Refused : ExitCodes.Infrastructure;
        if (failed is not null) return new(code, null, failed.Message);
        return new(code, null, $"{path}: the conversion ended with exit code {ended.ExitCode}: {ended.ErrorLines.LastOrDefault() ?? "it said nothing"}");
    }
}

/// <summary>How a conversion under a cap ended.</summary>
/// <param name="ExitCode">One of <see cref="ExitCodes"/>.</param>
/// <param name="Converted">What it made, where it succeeded.</param>
/// <param name="Problem">One line, where it did not.</param>
internal sealed record ConversionOutcome(int ExitCode, ConvertedEvent? Converted, string? Problem);
