using Loadline.Checkpoints;
using Loadline.Forward.Models;

namespace Loadline.Unit.Forward.Models;

public class KnownModelsTests
{
    [Theory]
    [InlineData("llama-3-8b", 291, 8_030_261_248)]
    [InlineData("llama-3-70b", 723, 70_553_706_496)]
    public void The_llamas_have_the_published_number_of_tensors_and_parameters(string name, int tensors, long parameters)
    {
        var model = KnownModels.TryCreate(name)!;

        model.Parameters.Length.Should().Be(tensors);
        model.Parameters.Sum(p => Shapes.ElementCount(p.Shape.AsSpan())).Should().Be(parameters);
    }

    [Fact]
    public void A_llama_has_Hugging_Faces_names_and_shapes()
    {
        var shapes = KnownModels.TryCreate("llama-3-70b")!.Parameters.ToDictionary(p => p.Name, p => Shapes.Format(p.Shape.AsSpan()));

        shapes.Where(p => !p.Key.Contains("layers") || p.Key.Contains(".79.")).Select(p => $"{p.Key} {p.Value}").Should().Equal(
            "model.embed_tokens.weight [128256, 8192]",
            "model.layers.79.self_attn.q_proj.weight [8192, 8192]",
            "model.layers.79.self_attn.k_proj.weight [1024, 8192]",
            "model.layers.79.self_attn.v_proj.weight [1024, 8192]",
            "model.layers.79.self_attn.o_proj.weight [8192, 8192]",
            "model.layers.79.mlp.gate_proj.weight [28672, 8192]",
            "model.layers.79.mlp.up_proj.weight [28672, 8192]",
            "model.layers.79.mlp.down_proj.weight [8192, 28672]",
            "model.layers.79.input_layernorm.weight [8192]",
            "model.layers.79.post_attention_layernorm.weight [8192]",
            "model.norm.weight [8192]",
            "lm_head.weight [128256, 8192]");
    }

    [Fact]
    public void Every_name_makes_a_model_and_no_other_does()
    {
        KnownModels.Names.Should().OnlyContain(name => KnownModels.TryCreate(name, DType.BFloat16)!.Name == name);
        KnownModels.TryCreate("gpt5").Should().BeNull();
    }

    [Theory]
    [InlineData("gpt2-xl", "float32")]
    [InlineData("llama-3-8b", "bfloat16")]
    public void The_dtype_is_the_published_one(string name, string dtype) => KnownModels.PublishedDType(name).Name.Should().Be(dtype);
}
