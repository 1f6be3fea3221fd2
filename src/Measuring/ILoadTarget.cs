using Loadline.Checkpoints;
using Loadline.Forward;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Measuring;

/// <summary>Where weights go that a strategy has loaded, so that the same gauges measure a load into another library's modules.</summary>
internal interface ILoadTarget
{
    /// <summary>The engine of a load, ready: what it takes itself is there before the load is measured.</summary>
    /// <exception cref="EngineUnavailableException">It needs a library or a device that is not there.</exception>
    Engine Start(LoadOptions options);

    /// <summary>Refuses by the header alone what cannot be loaded or computed.</summary>
    /// <exception cref="CheckpointException">The checkpoint is none of what the target takes.</exception>
    /// <exception cref="ArgumentException">What is asked for cannot be done with this target.</exception>
    ITargetedLoad Prepare(Checkpoint checkpoint, LoadRequest request, Engine engine);
}

/// <summary>One load into a target, and what is asked of its weights afterwards. Disposed, it gives them back.</summary>
internal interface ITargetedLoad : IDisposable
{
    /// <summary>Loads by the strategy, and hands over where there is somebody to hand over to.</summary>
    /// <returns>What the strategy loaded, for the report. It goes with this object.</returns>
    Model Load();

    /// <summary>The logits of <see cref="Gpt2Forward.Input"/>.</summary>
    Logits Compute();

    /// <summary>Reads every byte of the weights once that the host holds or maps.</summary>
    void Read();

    /// <summary>Judges logits.</summary>
    /// <exception cref="VerificationException">One is not finite, or differs from what is recorded.</exception>
    VerifiedEvent Verify(Logits logits);

    /// <summary>Reads every tensor back and compares it.</summary>
    /// <exception cref="VerificationException">One differs.</exception>
    VerifiedEvent ReadBack();
}
