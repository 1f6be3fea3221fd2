using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using static TorchSharp.torch;

namespace Loadline.TorchSharpTests;

/// <summary>
/// Under the usings that programs with TorchSharp have, <c>Device</c> and <c>Tensor</c> are TorchSharp's: Loadline's own stand in Loadline.Tensors, which
/// whoever only loads does not need.
/// </summary>
public class UsualUsingsTests
{
    [Fact]
    public void Names_do_not_collide()
    {
        Device device = new("cpu");
        using Tensor ones = ones_like(zeros(2, device: device));
        var options = new LoadOptions { Strategy = "streamed" }.WithDevices("cpu");
        using var model = Loader.Load(Fixtures.Path("gpt2-tiny.safetensors"), options);
        var moduleOptions = new ModuleLoadOptions { Readers = 2 };

        ones.shape.Should().Equal(2);
        model.Count.Should().BePositive();
        moduleOptions.Readers.Should().Be(2);
    }
}
