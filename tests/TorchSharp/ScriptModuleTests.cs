using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>A module of TorchScript's computes in libtorch with weights of its own: what C# lists are other references to them.</summary>
public class ScriptModuleTests
{
    [Fact]
    public void It_is_refused_alone_and_as_a_part()
    {
        var archive = Fixtures.Path("wild/torchscript.pt");
        using var script = torch.jit.load<torch.Tensor, torch.Tensor>(archive);
        // Not disposed: TorchSharp 0.107 asks its parts for theirs when they are gone already.
        var whole = new Whole(script);

        foreach (var module in (torch.nn.Module[])[script, whole])
        {
            module.Invoking(m => m.LoadWeights(archive)).Should().Throw<ArgumentException>().WithMessage("*is TorchScript's*torch.jit*");
            module.Invoking(m => m.SaveWeights("/nowhere/w.pth")).Should().Throw<ArgumentException>().WithMessage("*is TorchScript's*torch.jit*");
        }
    }

    private sealed class Whole : torch.nn.Module
    {
        public Whole(torch.nn.Module part)
            : base("Whole") => register_module("part", part);
    }
}
