using Loadline.Checkpoints;
using Loadline.Strategies.TorchSharp;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Loadline.TorchSharpTests;

/// <summary>The names that programs with TorchSharp use mean TorchSharp's, with Loadline's usings beside them: that this compiles is the test.</summary>
public class CommonProgram
{
    [Fact]
    public void Compiles_and_runs_with_the_usings_of_both()
    {
        using var folder = new TemporaryFolder();
        Device device = CPU;
        using var scope = NewDisposeScope();
        using Module<Tensor, Tensor> saved = Linear(3, 2);
        saved.SaveWeights(folder["model.safetensors"]);
        using Module<Tensor, Tensor> model = Skeleton.Build(() => Linear(3, 2));

        ModuleLoad load = model.LoadWeights(folder["model.safetensors"], device: device, options: new ModuleLoadOptions { DType = DType.BFloat16 });

        Tensor output = model.forward(ones(1, 3, dtype: bfloat16, device: device));
        output.shape.Should().Equal(1, 2);
        model.parameters().Should().OnlyContain(p => p.device_type == DeviceType.CPU);
        load.Bytes.Should().Be(2 * (6 + 2));
    }
}
