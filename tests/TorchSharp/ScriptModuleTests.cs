using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>A module of TorchScript's computes in libtorch with weights of its own: what C# lists are other references to them.</summary>
public class ScriptModuleTests
{
    [Fact]
    public void It_is_refused_before_anything_changes_alone_and_as_a_part()
    {
        var archive = Fixtures.Path("wild/torchscript.pt");
        using var script = torch.jit.load<torch.Tensor, torch.Tensor>(archive);
        using var whole = torch.nn.Sequential(("script", script));
        var before = script.state_dict().Select(t => Memory.Bytes(t.Value)).ToList();

        foreach (var module in (torch.nn.Module[])[script, whole])
            module.Invoking(m => m.LoadWeights(archive)).Should().Throw<ArgumentException>().WithMessage("*is TorchScript's*torch.jit.load*");

        script.state_dict().Select(t => Memory.Bytes(t.Value)).Should().BeEquivalentTo(before, options => options.WithStrictOrdering());
    }
}
