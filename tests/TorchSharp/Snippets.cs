using Loadline.Checkpoints;
using Loadline.Examples;
using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using Loadline.Tensors.Engines;
using TorchSharp;
using TorchSharp.Modules;

namespace Loadline.TorchSharpTests;

/// <summary>The code of docs/torchsharp.md: a unit test compares the two.</summary>
public sealed class Snippets : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_module_is_built_without_memory_loaded_and_run()
    {
        var path = Fixtures.Path("gpt2-tiny.pth");
        // <load>
        using var model = Skeleton.Build(() => new Gpt2(vocabulary: 97, context: 16, width: 24, heads: 4, layers: 3));
        model.LoadWeights(path);                                          // mapped: no anonymous memory for weights

        using var noGrad = torch.no_grad();
        using var logits = model.forward(torch.tensor(new long[,] { { 1, 2, 3 } }));
        // </load>
        logits.shape.Should().Equal(1, 3, 97);
        // <strategy>
        model.LoadWeights(path, "streamed");                              // in memory, read by several threads
        model.LoadWeights(path, options: new ModuleLoadOptions { Own = true });
        model.LoadWeights(path, options: new ModuleLoadOptions { DType = DType.BFloat16 });
        // </strategy>
        model.parameters().Should().OnlyContain(p => p.dtype == torch.ScalarType.BFloat16);
    }

    [Fact]
    public void Names_need_not_fit()
    {
        var path = _folder["linear.dat"];
        using (var saved = torch.nn.Linear(3, 2, hasBias: false)) saved.save(path);
        using Linear module = torch.nn.Linear(3, 2);
        // <names>
        var load = module.LoadWeights(path, options: new ModuleLoadOptions { Strict = false });
        Console.WriteLine($"missing: {string.Join(", ", load.Missing)}; left over: {string.Join(", ", load.Unexpected)}");
        // </names>
        load.Missing.Should().Equal("bias");
    }

    [Fact]
    public void A_parameter_is_computed()
    {
        var path = _folder["conv1d.safetensors"];
        using (var saved = torch.nn.Sequential(("c_proj", torch.nn.Linear(3, 3)))) saved.SaveWeights(path);
        using var model = torch.nn.Sequential(("c_proj", torch.nn.Linear(3, 3)));
        // <compute>
        model.LoadWeights(path, options: new ModuleLoadOptions
        {
            // Hugging Face's Conv1D holds inputs before outputs.
            Compute = (name, file) => name.EndsWith("c_proj.weight") ? file[name].t() : null,
        });
        // </compute>
        model.state_dict()["c_proj.weight"].is_contiguous().Should().BeFalse("it is a view of the file");
    }

    [Fact]
    public void A_tensor_is_handed_over()
    {
        var path = Fixtures.Path("gpt2-tiny.pth");
        torch.InitializeDeviceType(DeviceType.CPU);
        // <tensor>
        using var model = Loader.Load(path, new LoadOptions { Engine = EngineNames.Libtorch });
        using torch.Tensor weight = model["tok_emb.weight"].ToTorchSharp();   // the same bytes
        // </tensor>
        weight.shape.Should().Equal(97, 24);
    }
}
