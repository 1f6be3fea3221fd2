using Loadline.Checkpoints;
using Loadline.Harness.Budgets;

namespace Loadline.Unit.Harness.Commands;

public sealed class MakeCommandTests : IDisposable
{
    private readonly FakeHarness _loadline = new();

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task The_maker_gets_the_recipe()
    {
        (await _loadline.RunAsync(
            ["make", "gpt2-small", _loadline.Folder["out"], "--format", "safetensors", "--dtype", "bfloat16", "--seed", "5", "--sparse"])).Should().Be(0);

        _loadline.Maker.Made.Should().Equal(
            (new CheckpointRecipe("gpt2-small", CheckpointFormat.Safetensors, DType.BFloat16, 5), _loadline.Folder["out"], true));
        _loadline.Out.Should().Match("*/out: gpt2-small, safetensors, bfloat16, made in * s\n");
    }

    [Theory]
    [InlineData("x.safetensors", CheckpointFormat.Safetensors)]
    [InlineData("x.pth", CheckpointFormat.Pth)]
    [InlineData("x.bin", CheckpointFormat.Pth)]
    [InlineData("x.per-tensor", CheckpointFormat.PerTensor)]
    public async Task The_name_says_the_format(string name, CheckpointFormat format)
    {
        (await _loadline.RunAsync("make", "gpt2-small", _loadline.Folder[name])).Should().Be(0);

        _loadline.Maker.Made.Single().Recipe.Should().Be(new CheckpointRecipe("gpt2-small", format, DType.Float32, 0));
    }

    [Theory]
    [InlineData("gpt2-small", CheckpointFormat.Pth)]
    [InlineData("llama-3-8b", CheckpointFormat.Sharded)]
    public async Task A_name_that_says_nothing_gets_the_format_of_publication(string model, CheckpointFormat format)
    {
        await _loadline.RunAsync("make", model, _loadline.Folder["x"], "--sparse");

        _loadline.Maker.Made.Single().Recipe.Format.Should().Be(format);
    }

    [Fact]
    public async Task What_is_no_checkpoint_is_not_replaced()
    {
        File.WriteAllText(_loadline.Folder["budgets.json"], "{}");

        (await _loadline.RunAsync("make", "gpt2-small", _loadline.Folder["budgets.json"])).Should().Be(2);

        _loadline.Error.Should().EndWith("budgets.json: is there and is no checkpoint: name another target, or replace it with --force\n");
        _loadline.Maker.Made.Should().BeEmpty();
    }

    [Theory]
    [InlineData("gpt2-small", "float32")]
    [InlineData("llama-3-8b", "bfloat16")]
    public async Task The_dtype_is_the_models_own_unless_another_is_asked_for(string model, string dtype)
    {
        await _loadline.RunAsync("make", model, _loadline.Folder["x.safetensors"], "--sparse");
        await _loadline.RunAsync("make", model, _loadline.Folder["x.safetensors"], "--sparse", "--dtype", "float16", "--force");

        _loadline.Maker.Made.Select(m => m.Recipe.DType.Name).Should().Equal(dtype, "float16");
    }

    [Fact]
    public async Task A_full_disk_is_exit_code_3_and_one_line()
    {
        _loadline.Maker.Failure = new IOException("x.pth: needs 1646 MiB, but 3 MiB are free");
        (await _loadline.RunAsync("make", "gpt2-small", "x.pth")).Should().Be(3);
        _loadline.Error.Should().Be("loadline: x.pth: needs 1646 MiB, but 3 MiB are free\n");
    }

    [Theory]
    [InlineData("make gpt5 x", "unknown model 'gpt5': known are gpt2-small, gpt2-medium, llama-3-8b")]
    [InlineData("make gpt2-small x --format onnx", "unknown format 'onnx': known are pth, safetensors, sharded, per-tensor, dat")]
    [InlineData("make gpt2-small x --dtype float64", "unknown dtype 'float64': known are float32, float16, bfloat16")]
    [InlineData("make gpt2-small x --seed -1", "--seed '-1' is not a whole number from 0 on")]
    public async Task A_bad_argument_is_exit_code_2_and_one_line(string arguments, string problem)
    {
        (await _loadline.RunAsync(arguments.Split(' '))).Should().Be(2);
        _loadline.Error.TrimEnd().Should().Be($"loadline: {problem}; see `loadline make --help`");
    }
}
