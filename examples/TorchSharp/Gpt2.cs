using Loadline.Strategies.TorchSharp;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Loadline.Examples;

/// <summary>GPT-2 as a TorchSharp module, with the names of the memory-efficient weight loading article.</summary>
/// <remarks>Sizes: Radford et al. 2019, table 2; heads are 64 wide.</remarks>
public sealed class Gpt2 : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    [ComponentName(Name = "tok_emb")]
    private readonly Embedding _tokens;

    [ComponentName(Name = "pos_emb")]
    private readonly Embedding _positions;

    [ComponentName(Name = "trf_blocks")]
    private readonly ModuleList<Block> _blocks;

    [ComponentName(Name = "final_norm")]
    private readonly Norm _norm;

    [ComponentName(Name = "out_head")]
    private readonly Linear _head;

    public Gpt2(long vocabulary, long context, long width, long heads, int layers)
        : base(nameof(Gpt2))
    {
        _tokens = Skeleton.Embedding(vocabulary, width);
        _positions = Skeleton.Embedding(context, width);
        _blocks = torch.nn.ModuleList([.. Enumerable.Range(0, layers).Select(_ => new Block(width, heads, context))]);
        _norm = new Norm(width);
        _head = torch.nn.Linear(width, vocabulary, hasBias: false);
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor tokens)
    {
        var x = _tokens.forward(tokens) + _positions.forward(torch.arange(tokens.shape[1], device: tokens.device));
        foreach (var block in _blocks) x = block.forward(x);
        return _head.forward(_norm.forward(x));
    }

    /// <summary>GPT-2 medium, without memory until it is loaded.</summary>
    public static Gpt2 Medium() => Skeleton.Build(() => new Gpt2(vocabulary: 50257, context: 1024, width: 1024, heads: 16, layers: 24));

    /// <summary>GPT-2 medium as its constructor leaves it: in memory, initialised.</summary>
    public static Gpt2 MediumInMemory()
    {
        var model = new Gpt2(vocabulary: 50257, context: 1024, width: 1024, heads: 16, layers: 24);
        (model._tokens.weight, model._positions.weight) = (InMemory(50257, 1024), InMemory(1024, 1024));
        return model;
    }

    private static Parameter InMemory(long count, long width) => new(torch.randn(count, width));
}

/// <summary>Attention and feed forward, each after a norm and around a residual connection.</summary>
public sealed class Block : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    [ComponentName(Name = "att")]
    private readonly Attention _attention;

    [ComponentName(Name = "ff")]
    private readonly FeedForward _feedForward;

    [ComponentName(Name = "norm1")]
    private readonly Norm _norm1;

    [ComponentName(Name = "norm2")]
    private readonly Norm _norm2;

    public Block(long width, long heads, long context)
        : base(nameof(Block))
    {
        (_attention, _feedForward) = (new Attention(width, heads, context), new FeedForward(width));
        (_norm1, _norm2) = (new Norm(width), new Norm(width));
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        x += _attention.forward(_norm1.forward(x));
        return x + _feedForward.forward(_norm2.forward(x));
    }
}

/// <summary>Causal self-attention. The mask is a buffer of floats, 1 where a token may not look.</summary>
public sealed class Attention : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly long _heads;

    [ComponentName(Name = "W_query")]
    private readonly Linear _query;

    [ComponentName(Name = "W_key")]
    private readonly Linear _key;

    [ComponentName(Name = "W_value")]
    private readonly Linear _value;

    [ComponentName(Name = "out_proj")]
    private readonly Linear _projection;

    [ComponentName(Name = "mask")]
    private readonly torch.Tensor _mask;

    public Attention(long width, long heads, long context)
        : base(nameof(Attention))
    {
        _heads = heads;
        (_query, _key) = (torch.nn.Linear(width, width), torch.nn.Linear(width, width));
        (_value, _projection) = (torch.nn.Linear(width, width), torch.nn.Linear(width, width));
        _mask = torch.ones(context, context).triu(1);
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        var (batch, length, width) = (x.shape[0], x.shape[1], x.shape[2]);
        var (query, key, value) = (Heads(_query), Heads(_key), Heads(_value));
        var hidden = _mask[..(int)length, ..(int)length].to(torch.@bool);
        var scores = query.matmul(key.transpose(2, 3)).masked_fill(hidden, float.NegativeInfinity);
        var weights = torch.softmax(scores / Math.Sqrt(width / _heads), dim: -1);
        return _projection.forward(weights.matmul(value).transpose(1, 2).reshape(batch, length, width));

        torch.Tensor Heads(Linear of) => of.forward(x).view(batch, length, _heads, width / _heads).transpose(1, 2);
    }
}

/// <summary>Two layers with a GELU, in the approximation that GPT-2 was trained with.</summary>
public sealed class FeedForward : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    [ComponentName(Name = "layers")]
    private readonly ModuleList<torch.nn.Module<torch.Tensor, torch.Tensor>> _layers;

    public FeedForward(long width)
        : base(nameof(FeedForward))
    {
        _layers = torch.nn.ModuleList<torch.nn.Module<torch.Tensor, torch.Tensor>>(torch.nn.Linear(width, 4 * width), torch.nn.Identity(), torch.nn.Linear(4 * width, width));
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        var inner = _layers[0].forward(x);
        return _layers[2].forward(0.5 * inner * (1 + torch.tanh(Math.Sqrt(2 / Math.PI) * (inner + 0.044715 * inner.pow(3)))));
    }
}

/// <summary>Layer norm, whose parameters have names of the article's.</summary>
public sealed class Norm : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly long _width;

    [ComponentName(Name = "scale")]
    private readonly Parameter _scale;

    [ComponentName(Name = "shift")]
    private readonly Parameter _shift;

    public Norm(long width)
        : base(nameof(Norm))
    {
        _width = width;
        (_scale, _shift) = (new Parameter(torch.ones(width)), new Parameter(torch.zeros(width)));
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor x) => torch.nn.functional.layer_norm(x, [_width], _scale, _shift);
}
