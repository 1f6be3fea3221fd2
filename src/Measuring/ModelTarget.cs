using Loadline.Checkpoints;
using Loadline.Forward;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Measuring;

/// <summary>Leaves weights where the strategy put them: in a <see cref="Model"/>.</summary>
internal sealed class ModelTarget : ILoadTarget
{
    public static readonly ModelTarget Instance = new();

    public Engine Start(LoadOptions options)
    {
        var engine = Engine.Create(options.Engine);
        try
        {
            engine.Start(options.Devices);
            return engine;
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    public ITargetedLoad Prepare(Checkpoint checkpoint, LoadRequest request, Engine engine) => new Weights(checkpoint, request, engine);

    private sealed class Weights(Checkpoint checkpoint, LoadRequest request, Engine engine) : ITargetedLoad
    {
        private readonly ForwardVerifier? _forward = request.Computation is { } how ? new ForwardVerifier(checkpoint, request.Options, how) : null;
        private Model? _model;

        public Model Load() => _model = Loader.Load(checkpoint, request.Options, engine);

        public Logits Compute() => _forward!.Run(_model!);

        public void Read() => WeightTouch.Read(_model!, engine.Observer.Touches);

        public VerifiedEvent Verify(Logits logits) => _forward!.Verify(logits);

        public VerifiedEvent ReadBack() => new WeightVerifier(checkpoint, request.Options.Readers, engine.Observer).Verify(_model!, request.Options.EntriesIn(checkpoint));

        public void Dispose() => _model?.Dispose();
    }
}
