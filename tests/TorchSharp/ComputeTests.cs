using Loadline.Checkpoints;
using Loadline.Examples;
using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>What is computed on the way from the checkpoint's tensors.</summary>
public sealed class ComputeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("auto", "")]
    [InlineData("streamed", "")]
    [InlineData("auto", "transformer.")]
    public void Hugging_Faces_GPT2_computes_PyTorchs_logits(string strategy, string prefix)
    {
        using var scope = torch.NewDisposeScope();
        var path = HuggingFaceFile(prefix);
        using var module = Skeleton.Build(() => new Gpt2(vocabulary: 97, context: 16, width: 24, heads: 4, layers: 3));

        HuggingFace.IsLayoutOf(path).Should().BeTrue();
        var load = module.LoadWeights(path, strategy, options: HuggingFace.Options);

        using var noGrad = torch.no_grad();
        RecordedLogits.ShouldBe(module.forward(torch.tensor(new long[,] { { 1, 2, 3 } })));
        // Transposes and thirds are views of the file's pages; only masks are not in it.
        load.Mapped.Should().HaveCount(strategy == "auto" ? module.state_dict().Count - 3 : 0);
        module.state_dict().Where(t => Memory.IsMapped(t.Value, path)).Select(t => t.Key).Should().BeEquivalentTo(load.Mapped);
    }

    [Fact]
    public void A_LoRA_is_merged_on_the_way()
    {
        using var scope = torch.NewDisposeScope();
        var (weight, a, b) = (torch.randn(6, 4), torch.randn(2, 4), torch.randn(6, 2));
        var path = Write(("weight", weight), ("lora.A", a), ("lora.B", b));
        using var linear = Skeleton.Build(() => torch.nn.Linear(4, 6, hasBias: false));
        var options = new ModuleLoadOptions { Compute = (name, file) => file[name] + 0.5 * file["lora.B"].mm(file["lora.A"]) };

        var load = linear.LoadWeights(path, options: options);

        Memory.Bytes(linear.weight).Should().Equal(Memory.Bytes(weight + 0.5 * b.mm(a)));
        load.Mapped.Should().BeEmpty();
        load.Bytes.Should().Be(6 * 4 * 4);
        linear.weight.requires_grad.Should().BeTrue();
    }

    [Fact]
    public void Three_are_fused_into_one_in_the_dtype_that_is_asked_for()
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor[] parts = [torch.randn(2, 3), torch.randn(2, 3), torch.randn(2, 3)];
        var path = Write(("q", parts[0]), ("k", parts[1]), ("v", parts[2]));
        using var linear = Skeleton.Build(() => torch.nn.Linear(3, 6, hasBias: false));

        linear.LoadWeights(path, options: new ModuleLoadOptions { DType = DType.BFloat16, Compute = (_, file) => torch.cat([file["q"], file["k"], file["v"]]) });

        Memory.Bytes(linear.weight).Should().Equal(Memory.Bytes(torch.cat(parts).to(torch.bfloat16)));
    }

    [Fact]
    public void A_transposed_weight_trains()
    {
        using var scope = torch.NewDisposeScope();
        var stored = torch.randn(4, 6);
        var path = Write(("weight", stored));
        using var linear = Skeleton.Build(() => torch.nn.Linear(4, 6, hasBias: false));
        linear.LoadWeights(path, options: new ModuleLoadOptions { Compute = (name, file) => file[name].t() });
        using var optimizer = torch.optim.SGD(linear.parameters(), learningRate: 0.1);

        linear.forward(torch.ones(1, 4)).sum().backward();
        optimizer.step();

        Memory.Bytes(linear.weight).Should().Equal(Memory.Bytes(stored.t() - 0.1f * torch.ones(6, 4)));
    }

    [Fact]
    public void A_third_of_a_fused_weight_keeps_no_more_than_itself_in_memory()
    {
        using var scope = torch.NewDisposeScope();
        var path = Write(("qkv", torch.randn(6, 4)));
        using var linear = Skeleton.Build(() => torch.nn.Linear(4, 2, hasBias: false));

        linear.LoadWeights(path, options: new ModuleLoadOptions { Own = true, Compute = (_, file) => file["qkv"].narrow(0, 2, 2) });

        Handover.StorageBytes(linear.weight).Should().Be(2 * 4 * 4);
        Memory.IsMapped(linear.weight, path).Should().BeFalse();
    }

    [Fact]
    public void A_shape_that_does_not_fit_is_found_before_anything_changes()
    {
        using var scope = torch.NewDisposeScope();
        var path = Write(("weight", torch.randn(4, 6)), ("bias", torch.randn(6)));
        using var linear = torch.nn.Linear(4, 6);
        var before = Memory.Bytes(linear.bias!);

        FluentActions.Invoking(() => linear.LoadWeights(path, options: new ModuleLoadOptions { Compute = (name, file) => name == "weight" ? file[name] : null }))
            .Should().Throw<CheckpointException>().WithMessage("*'weight' was computed with shape [4, 6]; the module expects [6, 4]");

        Memory.Bytes(linear.bias!).Should().Equal(before);
    }

    [Fact]
    public void A_source_that_is_not_there_is_named()
    {
        var path = Write(("weight", torch.randn(6, 4)));
        using var linear = torch.nn.Linear(4, 6, hasBias: false);

        FluentActions.Invoking(() => linear.LoadWeights(path, options: new ModuleLoadOptions { Compute = (_, file) => file["delta"] }))
            .Should().Throw<CheckpointException>().WithMessage("*'delta' is asked for by Compute, and is not there");
    }

    [Fact]
    public void A_function_that_asks_for_a_value_is_told_where_and_why()
    {
        var path = Write(("weight", torch.randn(6, 4)));
        using var linear = torch.nn.Linear(4, 6, hasBias: false);

        FluentActions.Invoking(() => linear.LoadWeights(path, options: new ModuleLoadOptions { Compute = (name, file) => file[name] * file[name].max().item<float>() }))
            .Should().Throw<InvalidOperationException>().WithMessage($"{path}: Compute fails at 'weight': *meta*shapes and no values*").Which.Message.Should().NotContain("\n");
    }

    private string HuggingFaceFile(string prefix)
    {
        using var article = Skeleton.Build(() => new Gpt2(vocabulary: 97, context: 16, width: 24, heads: 4, layers: 3));
        article.LoadWeights(Fixtures.Path("gpt2-tiny.pth"));
        var weights = article.state_dict();
        List<(string, torch.Tensor)> file =
        [
            ("wte.weight", weights["tok_emb.weight"]), ("wpe.weight", weights["pos_emb.weight"]),
            ("ln_f.weight", weights["final_norm.scale"]), ("ln_f.bias", weights["final_norm.shift"]), ("lm_head.weight", weights["out_head.weight"]),
        ];
        for (var i = 0; i < 3; i++)
        {
            var (theirs, ours) = ($"h.{i}", $"trf_blocks.{i}");
            string[] thirds = ["W_query", "W_key", "W_value"];
            file.Add(($"{theirs}.attn.bias", torch.ones(1, 1, 16, 16)));
            foreach (var part in new[] { "weight", "bias" })
            {
                file.Add(($"{theirs}.attn.c_attn.{part}", torch.cat([.. thirds.Select(t => weights[$"{ours}.att.{t}.{part}"].t())], -1)));
                file.Add(($"{theirs}.attn.c_proj.{part}", weights[$"{ours}.att.out_proj.{part}"].t()));
                file.Add(($"{theirs}.mlp.c_fc.{part}", weights[$"{ours}.ff.layers.0.{part}"].t()));
                file.Add(($"{theirs}.mlp.c_proj.{part}", weights[$"{ours}.ff.layers.2.{part}"].t()));
                file.Add(($"{theirs}.ln_1.{part}", weights[$"{ours}.norm1.{(part == "weight" ? "scale" : "shift")}"]));
                file.Add(($"{theirs}.ln_2.{part}", weights[$"{ours}.norm2.{(part == "weight" ? "scale" : "shift")}"]));
            }
        }

        return Write([.. file.Select(t => (t.Item1 == "lm_head.weight" ? t.Item1 : prefix + t.Item1, t.Item2))]);
    }

    private string Write(params (string Name, torch.Tensor Tensor)[] tensors)
    {
        var declared = tensors.Select(t => new TensorDeclaration(t.Name, DType.Float32, [.. t.Tensor.shape])).ToList();
        using var writer = CheckpointWriter.Create(_folder["model.safetensors"], CheckpointFormat.Safetensors, declared);
        foreach (var (_, tensor) in tensors) writer.Write(Memory.Bytes(tensor));
        writer.Commit();
        return _folder["model.safetensors"];
    }
}
