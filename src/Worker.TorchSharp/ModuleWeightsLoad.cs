using Loadline.Checkpoints;
using Loadline.Forward;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using TorchSharp;

namespace Loadline.Worker.TorchSharp;

/// <summary>One load into a module: a skeleton without memory, the strategy, the handing over.</summary>
internal sealed class ModuleWeightsLoad(Checkpoint checkpoint, LoadOptions options, ModuleShape shape, torch.Device device, Engine engine) : ITargetedLoad
{
    private const int ReadPieceBytes = 1 << 20;

    private readonly IReadOnlyList<TensorEntry> _entries = options.EntriesIn(checkpoint);
    private Dictionary<string, TensorEntry>? _byName;
    private torch.nn.Module<torch.Tensor, torch.Tensor>? _module;
    private Dictionary<string, torch.Tensor> _tensors = [];
    private Model? _model;

    public Model Load()
    {
        engine.Observer.Phase("skeleton");
        _module = shape.Build();
        var onHost = options with { Device = Device.Cpu, DeviceMap = options.Device.IsAccelerator ? null : options.DeviceMap };
        (_model, _) = ModuleWeights.Load(_module, checkpoint, onHost, engine, device, strict: true);
        _tensors = _module.state_dict();
        if (device.type == DeviceType.CUDA) CountOnDevice();
        return _model;
    }

    public Logits Compute()
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var input = torch.tensor(Gpt2Forward.Input.Select(token => (long)token).ToArray(), device: device).unsqueeze(0);
        var logits = _module!.forward(input)[0].to(torch.float32).cpu();
        var values = new Matrix((int)logits.shape[0], (int)logits.shape[1]);
        logits.data<float>().CopyTo(values.Values);
        return new Logits(values);
    }

    public void Read()
    {
        if (device.type != DeviceType.CPU) return;
        var buffer = new byte[ReadPieceBytes];
        foreach (var group in _model!.ByStorage())
        {
            // Tied weights are one tensor of the module's, too.
            var tensor = _tensors[group.First()];
            WeightTouch.Read(new ModuleBytes(tensor), tensor.NumberOfElements * tensor.ElementSize, buffer);
        }
    }

    public VerifiedEvent Verify(Logits logits) => new LogitsVerifier(checkpoint.Path, _entries, options.DType?.In(checkpoint)).Verify(logits);

    public VerifiedEvent ReadBack()
    {
        // What the module has taken over must live without the tensors that the strategy loaded.
        _model!.Dispose();
        _byName = _entries.ToDictionary(e => e.Name);
        return new WeightVerifier(checkpoint, options.Readers).Verify(Loaded, _entries);
    }

    public void Dispose()
    {
        _model?.Dispose();
        _module?.Dispose();
    }

    private LoadedTensor Loaded(string name)
    {
        var entry = _byName![name];
        var expected = options.DType?.In(checkpoint).Of(entry) ?? entry.DType;
        var tensor = _tensors[name];
        if (!tensor.shape.SequenceEqual(entry.Shape)) throw new VerificationException($"tensor '{name}' of the module has shape [{string.Join(", ", tensor.shape)}], the file {Shapes.Format(entry.Shape.AsSpan())}");
        if (DTypeOf(tensor) != expected) throw new VerificationException($"tensor '{name}' of the module is {tensor.dtype}, expected {expected}");
        var layout = entry with { DType = expected, Strides = Shapes.ContiguousStrides(entry.Shape.AsSpan()), StorageOffset = 0 };
        return new LoadedTensor(layout, new ModuleBytes(tensor), Simulated: null);
    }

    private static DType? DTypeOf(torch.Tensor tensor) => DType.TryParse(tensor.dtype switch
    {
        torch.ScalarType.Byte => "uint8",
        torch.ScalarType.BFloat16 => "bfloat16",
        var other => other.ToString().ToLowerInvariant(),
    }, out var dtype) ? dtype : null;

    // Ties are one tensor there, too.
    private void CountOnDevice()
    {
        var bytes = _model!.ByStorage().Sum(group => group.Key.Bytes);
        engine.CounterOf(options.Device).Add(bytes);
        engine.Accelerator.Add(bytes);
    }
}
