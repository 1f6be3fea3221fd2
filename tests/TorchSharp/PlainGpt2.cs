using Loadline.Examples;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Loadline.TorchSharpTests;

/// <summary>GPT-2 as somebody writes it who has never heard of Loadline.</summary>
internal sealed class PlainGpt2 : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    [ComponentName(Name = "tok_emb")]
    private readonly Embedding _tokens = torch.nn.Embedding(97, 24);

    [ComponentName(Name = "pos_emb")]
    private readonly Embedding _positions = torch.nn.Embedding(16, 24);

    [ComponentName(Name = "trf_blocks")]
    private readonly ModuleList<Block> _blocks = torch.nn.ModuleList(new Block(24, 4, 16), new Block(24, 4, 16), new Block(24, 4, 16));

    [ComponentName(Name = "final_norm")]
    private readonly Norm _norm = new(24);

    [ComponentName(Name = "out_head")]
    private readonly Linear _head = torch.nn.Linear(24, 97, hasBias: false);

    public PlainGpt2()
        : base("Gpt2") => RegisterComponents();

    public override torch.Tensor forward(torch.Tensor tokens)
    {
        var x = _tokens.forward(tokens) + _positions.forward(torch.arange(tokens.shape[1]));
        foreach (var block in _blocks) x = block.forward(x);
        return _head.forward(_norm.forward(x));
    }
}
