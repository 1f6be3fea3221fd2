using Loadline.Checkpoints;
using Loadline.Forward.Models;
using Loadline.Strategies;

namespace Loadline.Unit.Strategies;

public class ModelSpecTests
{
    private static readonly ModelSpec Tiny = Gpt2.Create("gpt2-tiny", DType.Float32, vocabulary: 97, context: 16, width: 24, layers: 3);

    [Fact]
    public void The_articles_model_has_the_names_and_the_order_that_PyTorch_saved()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));

        Tiny.Match(checkpoint).Select(e => e.Name).Should().Equal(checkpoint.Entries.Select(e => e.Name));
    }

    [Theory]
    [InlineData("gpt2-small", 209, 670.0)]
    [InlineData("gpt2-medium", 413, 1646.0)]
    [InlineData("gpt2-xl", 821, 6441.0)]
    public void The_models_have_the_articles_sizes(string name, int tensors, double mebibytes)
    {
        var model = Gpt2.TryCreate(name, DType.Float32)!;

        model.Parameters.Length.Should().Be(tensors);
        var bytes = model.Parameters.Sum(p => p.DType!.ByteCount(Shapes.ElementCount(p.Shape.AsSpan())));
        Math.Round((double)bytes / ByteSize.MiB).Should().Be(mebibytes);
    }

    [Fact]
    public void A_missing_tensor_is_named() =>
        Refusal(Tiny with { Parameters = Tiny.Parameters.Add(new ParameterSpec("lm_head.weight", DType.Float32, [97, 24])) })
            .Should().EndWith("gpt2-tiny.pth: tensor 'lm_head.weight' is missing; model gpt2-tiny expects it");

    [Fact]
    public void What_is_left_over_is_not_loaded_where_the_model_allows_it()
    {
        var model = Tiny with { Parameters = Tiny.Parameters.RemoveAt(0), AllowsOthers = true };

        using var loaded = Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Model = model });

        loaded.Keys.Should().BeEquivalentTo(model.Parameters.Select(p => p.Name));
    }

    [Fact]
    public void A_tensor_that_is_left_over_is_named() =>
        Refusal(Tiny with { Parameters = Tiny.Parameters.RemoveAt(0) }).Should().EndWith("tensor 'tok_emb.weight' is not in model gpt2-tiny");

    [Fact]
    public void Another_shape_is_named_with_both() =>
        Refusal(WithFirst(Tiny.Parameters[0] with { Shape = [98, 24] }))
            .Should().EndWith("tensor 'tok_emb.weight' has shape [97, 24]; model gpt2-tiny expects [98, 24]");

    [Fact]
    public void Another_dtype_is_named_with_both() =>
        Refusal(WithFirst(Tiny.Parameters[0] with { DType = DType.BFloat16 }))
            .Should().EndWith("tensor 'tok_emb.weight' is float32; model gpt2-tiny expects bfloat16");

    [Fact]
    public void A_tied_parameter_may_be_absent_from_the_file_and_shares_memory_in_the_model()
    {
        var tied = Tiny with { Parameters = Tiny.Parameters.Add(new ParameterSpec("lm_head.weight", DType.Float32, [97, 24], TiedTo: "tok_emb.weight")) };

        using var model = Loader.Load(Fixtures.Path("gpt2-tiny.safetensors"), new LoadOptions { Strategy = "streamed", Model = tied });

        model["lm_head.weight"].Storage.Should().BeSameAs(model["tok_emb.weight"].Storage);
    }

    private static ModelSpec WithFirst(ParameterSpec parameter) => Tiny with { Parameters = Tiny.Parameters.SetItem(0, parameter) };

    private static string Refusal(ModelSpec model)
    {
        var load = () => Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Model = model });
        return load.Should().Throw<CheckpointException>().Where(e => e.Error == CheckpointError.Mismatch).Which.Message;
    }
}
