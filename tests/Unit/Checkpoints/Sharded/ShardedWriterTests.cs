using System.Text.Json;
using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints.Sharded;

public sealed class ShardedWriterTests
{
    private static readonly TensorDeclaration[] Tensors = [new("a", DType.UInt8, [4]), new("ünï", DType.UInt8, [3]), new("b", DType.UInt8, [5])];

    [Fact]
    public void Each_shard_is_a_safetensors_file_and_the_index_says_which_tensor_is_where()
    {
        using var folder = new TemporaryFolder();
        Write(folder["out"], Tensors, 1, 8);

        Names(folder["out"]).Should().Equal("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json");
        using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder["out"], "model.safetensors.index.json")));
        index.RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64().Should().Be(12);
        index.RootElement.GetProperty("weight_map").EnumerateObject().ToDictionary(t => t.Name, t => t.Value.GetString()).Should().Equal(new Dictionary<string, string?>
        {
            ["a"] = "model-00001-of-00002.safetensors",
            ["ünï"] = "model-00001-of-00002.safetensors",
            ["b"] = "model-00002-of-00002.safetensors",
        });
        using var second = Checkpoint.Open(Path.Combine(folder["out"], "model-00002-of-00002.safetensors"));
        second.Metadata.Should().Contain("format", "pt");
        NaiveBytes.Read(second, second.Entries.Single()).Should().Equal(1, 1, 1, 1, 1);
    }

    [Fact]
    public void A_checkpoint_without_tensors_is_one_empty_shard()
    {
        using var folder = new TemporaryFolder();
        Write(folder["out"], [], 0, 8);

        Names(folder["out"]).Should().Equal("model-00001-of-00001.safetensors", "model.safetensors.index.json");
    }

    [Fact]
    public void Shards_replace_shards_and_none_of_the_old_ones_stay()
    {
        using var folder = new TemporaryFolder();
        Write(folder["out"], Tensors, 1, 1);
        Write(folder["out"], Tensors, 2, 100);

        Names(folder["out"]).Should().Equal("model-00001-of-00001.safetensors", "model.safetensors.index.json");
        folder.Names.Should().Equal("out");
    }

    [Fact]
    public void A_folder_with_other_files_is_not_replaced()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["out"]);
        File.WriteAllText(Path.Combine(folder["out"], "config.json"), "{}");

        FluentActions.Invoking(() => Write(folder["out"], Tensors, 1, 8)).Should().Throw<IOException>()
            .WithMessage("*/out: is not replaced, because it holds more than .safetensors files: config.json");
        folder.Names.Should().Equal("out");
    }

    [Fact]
    public void Disposing_in_the_second_shard_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        using (var writer = CheckpointWriter.Create(folder["out"], CheckpointFormat.Sharded, Tensors, shardBytes: 8)) writer.Write(new byte[9]);

        folder.Names.Should().BeEmpty();
    }

    [Theory]
    [InlineData("__metadata__", "float32", "keeps for metadata")]
    [InlineData("w", "complex128", "safetensors does not have: write pth")]
    public void What_safetensors_cannot_hold_is_refused(string name, string dtype, string says)
    {
        using var folder = new TemporaryFolder();
        DType.TryParse(dtype, out var type);

        FluentActions.Invoking(() => CheckpointWriter.Create(folder["out"], CheckpointFormat.Sharded, [new(name, type!, [1])]))
            .Should().Throw<CheckpointException>().WithMessage($"*{says}*");
        folder.Names.Should().BeEmpty();
    }

    private static void Write(string path, TensorDeclaration[] tensors, byte value, long shardBytes)
    {
        using var writer = CheckpointWriter.Create(
            path, CheckpointFormat.Sharded, tensors, new Dictionary<string, string> { ["format"] = "pt" }, shardBytes: shardBytes);
        foreach (var tensor in tensors) writer.Write(Enumerable.Repeat(value, (int)tensor.ByteCount).ToArray());
        writer.Commit();
    }

    private static IEnumerable<string> Names(string folder) => Directory.GetFiles(folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal);
}
