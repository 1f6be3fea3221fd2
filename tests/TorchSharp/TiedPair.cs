using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>Two modules with one weight.</summary>
internal sealed class TiedPair : torch.nn.Module
{
    public TiedPair()
        : base(nameof(TiedPair))
    {
        var (a, b) = (torch.nn.Linear(3, 3, hasBias: false), torch.nn.Linear(3, 3, hasBias: false));
        b.weight = a.weight;
        register_module("a", a);
        register_module("b", b);
    }
}
