using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Loadline.Examples;

/// <summary>Llama 3 as a TorchSharp module, with the names of Hugging Face's <c>LlamaForCausalLM</c>.</summary>
/// <remarks>Grattafiori et al. 2024. Rotary angles are computed when they are needed: the state dict holds nothing but weights.</remarks>
public sealed class Llama : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    /// <summary>Each head's width, in either size that was published.</summary>
    public const int HeadWidth = 128;

    [ComponentName(Name = "model")]
    private readonly LlamaModel _model;

    [ComponentName(Name = "lm_head")]
    private readonly Linear _head;

    public Llama(long vocabulary, long width, long inner, long heads, long keyHeads, int layers)
        : base(nameof(Llama))
    {
        _model = new LlamaModel(vocabulary, width, inner, heads, keyHeads, layers);
        _head = torch.nn.Linear(width, vocabulary, hasBias: false);
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor tokens) => _head.forward(_model.forward(tokens));
}

/// <summary>All but the output head.</summary>
public sealed class LlamaModel : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    [ComponentName(Name = "embed_tokens")]
    private readonly LlamaEmbedding _tokens;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<LlamaLayer> _layers;

    [ComponentName(Name = "norm")]
    private readonly RootMeanSquareNorm _norm;

    public LlamaModel(long vocabulary, long width, long inner, long heads, long keyHeads, int layers)
        : base(nameof(LlamaModel))
    {
        _tokens = new LlamaEmbedding(vocabulary, width);
        _layers = torch.nn.ModuleList([.. Enumerable.Range(0, layers).Select(_ => new LlamaLayer(width, inner, heads, keyHeads))]);
        _norm = new RootMeanSquareNorm(width);
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor tokens)
    {
        var x = _tokens.forward(tokens);
        foreach (var layer in _layers) x = layer.forward(x);
        return _norm.forward(x);
    }
}

/// <summary>A table of which rows are taken: nothing of it is native, so that it costs nothing before it is loaded.</summary>
public sealed class LlamaEmbedding : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    public LlamaEmbedding(long vocabulary, long width)
        : base(nameof(LlamaEmbedding))
    {
        _weight = new Parameter(torch.randn(vocabulary, width));
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor tokens) => _weight[tokens];
}

/// <summary>Attention and a gated feed forward, each after a norm and around a residual connection.</summary>
public sealed class LlamaLayer : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    [ComponentName(Name = "self_attn")]
    private readonly LlamaAttention _attention;

    [ComponentName(Name = "mlp")]
    private readonly GatedFeedForward _feedForward;

    [ComponentName(Name = "input_layernorm")]
    private readonly RootMeanSquareNorm _before;

    [ComponentName(Name = "post_attention_layernorm")]
    private readonly RootMeanSquareNorm _between;

    public LlamaLayer(long width, long inner, long heads, long keyHeads)
        : base(nameof(LlamaLayer))
    {
        (_attention, _feedForward) = (new LlamaAttention(width, heads, keyHeads), new GatedFeedForward(width, inner));
        (_before, _between) = (new RootMeanSquareNorm(width), new RootMeanSquareNorm(width));
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        x += _attention.forward(_before.forward(x));
        return x + _feedForward.forward(_between.forward(x));
    }
}

/// <summary>Causal self-attention with rotary positions, whose queries share keys and values in groups.</summary>
public sealed class LlamaAttention : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private const double RotaryBase = 500_000;

    private readonly long _heads;
    private readonly long _keyHeads;

    [ComponentName(Name = "q_proj")]
    private readonly Linear _query;

    [ComponentName(Name = "k_proj")]
    private readonly Linear _key;

    [ComponentName(Name = "v_proj")]
    private readonly Linear _value;

    [ComponentName(Name = "o_proj")]
    private readonly Linear _projection;

    public LlamaAttention(long width, long heads, long keyHeads)
        : base(nameof(LlamaAttention))
    {
        (_heads, _keyHeads) = (heads, keyHeads);
        var keyWidth = keyHeads * (width / heads);
        (_query, _projection) = (torch.nn.Linear(width, width, hasBias: false), torch.nn.Linear(width, width, hasBias: false));
        (_key, _value) = (torch.nn.Linear(width, keyWidth, hasBias: false), torch.nn.Linear(width, keyWidth, hasBias: false));
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        var (batch, length, width) = (x.shape[0], x.shape[1], x.shape[2]);
        var query = Rotated(Heads(_query, _heads));
        var key = Rotated(Heads(_key, _keyHeads)).repeat_interleave(_heads / _keyHeads, dim: 1);
        var value = Heads(_value, _keyHeads).repeat_interleave(_heads / _keyHeads, dim: 1);
        var attended = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_casual: true);
        return _projection.forward(attended.transpose(1, 2).reshape(batch, length, width));

        torch.Tensor Heads(Linear of, long count) => of.forward(x).view(batch, length, count, width / _heads).transpose(1, 2);
    }

    // Halves are rotated against each other, as Hugging Face's weights are laid out for.
    private static torch.Tensor Rotated(torch.Tensor x)
    {
        var (length, width) = (x.shape[2], x.shape[3]);
        var frequencies = torch.pow(RotaryBase, torch.arange(0, width, 2, device: x.device).to(torch.float32) / -width);
        var angles = torch.outer(torch.arange(length, device: x.device).to(torch.float32), frequencies);
        var (cosine, sine) = (torch.cat([angles.cos(), angles.cos()], dim: -1).to(x.dtype), torch.cat([angles.sin(), angles.sin()], dim: -1).to(x.dtype));
        var turned = torch.cat([-x.narrow(-1, width / 2, width / 2), x.narrow(-1, 0, width / 2)], dim: -1);
        return x * cosine + turned * sine;
    }
}

/// <summary>SwiGLU: one projection gates the other.</summary>
public sealed class GatedFeedForward : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    [ComponentName(Name = "gate_proj")]
    private readonly Linear _gate;

    [ComponentName(Name = "up_proj")]
    private readonly Linear _up;

    [ComponentName(Name = "down_proj")]
    private readonly Linear _down;

    public GatedFeedForward(long width, long inner)
        : base(nameof(GatedFeedForward))
    {
        (_gate, _up) = (torch.nn.Linear(width, inner, hasBias: false), torch.nn.Linear(width, inner, hasBias: false));
        _down = torch.nn.Linear(inner, width, hasBias: false);
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor x) => _down.forward(torch.nn.functional.silu(_gate.forward(x)) * _up.forward(x));
}

/// <summary>Root mean square norm, computed in float32.</summary>
public sealed class RootMeanSquareNorm : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private const double Epsilon = 1e-5;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    public RootMeanSquareNorm(long width)
        : base(nameof(RootMeanSquareNorm))
    {
        _weight = new Parameter(torch.ones(width));
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        var wide = x.to(torch.float32);
        var scale = torch.rsqrt(wide.pow(2).mean([-1], keepdim: true) + Epsilon);
        return _weight * (wide * scale).to(x.dtype);
    }
}
