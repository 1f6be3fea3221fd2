using Loadline.Checkpoints;
using Loadline.Cuda;
using Loadline.Strategies.Words;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Strategies;

/// <summary>Loads checkpoints: the one call that most programs need.</summary>
public static class Loader
{
    /// <summary>Loads all weights of a checkpoint. Dispose the model to give its memory back.</summary>
    /// <param name="path">A file or folder of any format in <see cref="CheckpointFormat"/>.</param>
    /// <param name="options">How; by default memory-mapped on the CPU, which takes no anonymous memory until weights are written.</param>
    /// <exception cref="CheckpointException">The checkpoint is refused, or does not fit the model. Nothing stays half-loaded.</exception>
    /// <exception cref="CudaException">A GPU's driver failed. Everything was freed again.</exception>
    /// <exception cref="DeviceOutOfMemoryException">The device is full. Everything was freed again.</exception>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="Loadline.Gauges.GaugeException">Of <c>auto</c> and <c>device-map</c>: what RAM there is cannot be read.</exception>
    /// <exception cref="IOException">Of <c>device-map</c>: an offload folder cannot be written.</exception>
    /// <exception cref="OperationCanceledException"><see cref="LoadOptions.Cancellation"/> said so. Everything was freed again.</exception>
    public static Model Load(string path, LoadOptions? options = null)
    {
        var valid = (options ?? new LoadOptions()).Validated();
        var reads = valid.Progress is not null || valid.Cancellation.CanBeCanceled ? new ObservedReads(stream: null, valid.Progress, valid.Cancellation) : null;
        using var checkpoint = reads is null ? Checkpoint.Open(path) : Checkpoint.Open(path, reads);
        using var engine = Engine.Create(valid.Engine);
        return Load(checkpoint, valid, engine, reads);
    }

    private static Model Load(Checkpoint checkpoint, LoadOptions options, Engine engine, ObservedReads? reads)
    {
        if (options.Progress is not null) reads?.Begin(options.EntriesIn(checkpoint), isOneFile: checkpoint.Files.Count == 1);
        Model? model = null;
        try
        {
            model = Load(checkpoint, options, engine);
            reads?.End();
            return model;
        }
        catch
        {
            model?.Dispose();
            reads?.ThrowIfTellingFailed();
            throw;
        }
    }

    internal static Model Load(Checkpoint checkpoint, LoadOptions options, Engine engine)
    {
        checkpoint.BeginReading();
        var strategy = StrategyCatalog.Find(options.Validated().Strategy);
        using var load = new LoadContext(checkpoint, options, engine, strategy);
        return load.Complete(strategy.Load(load));
    }
}
