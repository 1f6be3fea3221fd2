using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Loadline.Examples;
using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>The second module that the worker knows, held against Llama written out in double precision.</summary>
public sealed class LlamaTests : IDisposable
{
    private const int Vocabulary = 11, Width = 16, Inner = 24, Heads = 4, KeyHeads = 2, Layers = 2, HeadWidth = Width / Heads;
    private static readonly int[] Tokens = [1, 2, 3];

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, float[]> _weights = [];
    private readonly Dictionary<string, int[]> _shapes = [];
    private readonly string _path;

    public LlamaTests()
    {
        _path = _folder["llama.safetensors"];
        var random = new Random(7);
        Add("model.embed_tokens.weight", 1, Vocabulary, Width);
        for (var layer = 0; layer < Layers; layer++)
        {
            foreach (var (name, rows, columns) in new[]
            {
                ("self_attn.q_proj", Width, Width), ("self_attn.k_proj", KeyHeads * HeadWidth, Width), ("self_attn.v_proj", KeyHeads * HeadWidth, Width), ("self_attn.o_proj", Width, Width),
                ("mlp.gate_proj", Inner, Width), ("mlp.up_proj", Inner, Width), ("mlp.down_proj", Width, Inner),
            })
            {
                Add($"model.layers.{layer}.{name}.weight", 0.5, rows, columns);
            }

            Add($"model.layers.{layer}.input_layernorm.weight", 1, Width);
            Add($"model.layers.{layer}.post_attention_layernorm.weight", 1, Width);
        }

        Add("model.norm.weight", 1, Width);
        Add("lm_head.weight", 0.5, Vocabulary, Width);
        Write();

        void Add(string name, double scale, params int[] shape)
        {
            _shapes[name] = shape;
            _weights[name] = [.. Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b)).Select(_ => (float)(scale * (2 * random.NextDouble() - 1)))];
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("mmap-assign")]
    [InlineData("eager")]
    [InlineData("streamed")]
    public void Its_logits_are_those_of_the_definition(string strategy)
    {
        using var module = Skeleton.Build(() => new Llama(Vocabulary, Width, Inner, Heads, KeyHeads, Layers));
        module.LoadWeights(_path, strategy);

        using var noGrad = torch.no_grad();
        using var logits = module.forward(torch.tensor(Tokens.Select(t => (long)t).ToArray()).unsqueeze(0));

        logits.shape.Should().Equal(1, Tokens.Length, Vocabulary);
        logits.data<float>().ToArray().Zip(Expected()).Should().AllSatisfy(pair => ((double)pair.First).Should().BeApproximately(pair.Second, 1e-4));
    }

    private void Write()
    {
        var header = new Dictionary<string, object>();
        long position = 0;
        foreach (var (name, values) in _weights)
        {
            header[name] = new { dtype = "F32", shape = _shapes[name], data_offsets = new[] { position, position += values.Length * 4L } };
        }

        var json = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(header));
        using var file = File.Create(_path);
        file.Write(BitConverter.GetBytes((long)json.Length));
        file.Write(json);
        foreach (var values in _weights.Values) file.Write(MemoryMarshal.AsBytes<float>(values));
    }

    private IEnumerable<double> Expected()
    {
        var x = Tokens.Select(t => _weights["model.embed_tokens.weight"].Skip(t * Width).Take(Width).Select(v => (double)v).ToArray()).ToArray();
        for (var layer = 0; layer < Layers; layer++)
        {
            var block = $"model.layers.{layer}";
            var attended = Attend(block, [.. x.Select(row => Normed(row, $"{block}.input_layernorm"))]);
            x = [.. x.Zip(attended, Sum)];
            x = [.. x.Select(row => Sum(row, FeedForward(block, Normed(row, $"{block}.post_attention_layernorm"))))];
        }

        return x.SelectMany(row => Product("lm_head", Normed(row, "model.norm")));
    }

    private double[][] Attend(string block, double[][] x)
    {
        var queries = x.Select((row, position) => Rotated(Product($"{block}.self_attn.q_proj", row), position)).ToArray();
        var keys = x.Select((row, position) => Rotated(Product($"{block}.self_attn.k_proj", row), position)).ToArray();
        var values = x.Select(row => Product($"{block}.self_attn.v_proj", row)).ToArray();
        return [.. x.Select((_, position) =>
        {
            var joined = new double[Width];
            for (var head = 0; head < Heads; head++)
            {
                var shared = head / (Heads / KeyHeads) * HeadWidth;
                var scores = Enumerable.Range(0, position + 1).Select(other => Math.Exp(
                    Enumerable.Range(0, HeadWidth).Sum(i => queries[position][head * HeadWidth + i] * keys[other][shared + i]) / Math.Sqrt(HeadWidth))).ToArray();
                for (var i = 0; i < HeadWidth; i++) joined[head * HeadWidth + i] = scores.Select((score, other) => score * values[other][shared + i]).Sum() / scores.Sum();
            }

            return Product($"{block}.self_attn.o_proj", joined);
        })];
    }

    private double[] FeedForward(string block, double[] row)
    {
        var gate = Product($"{block}.mlp.gate_proj", row).Select(v => v / (1 + Math.Exp(-v)));
        return Product($"{block}.mlp.down_proj", [.. gate.Zip(Product($"{block}.mlp.up_proj", row), (a, b) => a * b)]);
    }

    // Each pair of a head's halves turns by an angle that falls with its place.
    private static double[] Rotated(double[] row, int position)
    {
        var turned = new double[row.Length];
        for (var start = 0; start < row.Length; start += HeadWidth)
        {
            for (var i = 0; i < HeadWidth / 2; i++)
            {
                var angle = position * Math.Pow(500_000, -2.0 * i / HeadWidth);
                var (a, b) = (row[start + i], row[start + i + HeadWidth / 2]);
                turned[start + i] = a * Math.Cos(angle) - b * Math.Sin(angle);
                turned[start + i + HeadWidth / 2] = b * Math.Cos(angle) + a * Math.Sin(angle);
            }
        }

        return turned;
    }

    private double[] Normed(double[] row, string module)
    {
        var scale = 1 / Math.Sqrt(row.Average(v => v * v) + 1e-5);
        return [.. row.Zip(_weights[$"{module}.weight"], (v, w) => v * scale * w)];
    }

    private double[] Product(string module, double[] row)
    {
        var weights = _weights[$"{module}.weight"];
        return [.. Enumerable.Range(0, weights.Length / row.Length).Select(r => row.Select((v, c) => v * weights[r * row.Length + c]).Sum())];
    }

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (one, other) => one + other)];
}
