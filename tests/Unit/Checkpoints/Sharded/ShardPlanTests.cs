using Loadline.Checkpoints;
using Loadline.Checkpoints.Sharded;

namespace Loadline.Unit.Checkpoints.Sharded;

public sealed class ShardPlanTests
{
    [Theory]
    [InlineData("", 10, "")]
    [InlineData("4 6", 10, "4 6")] // exactly full
    [InlineData("4 7", 10, "4 | 7")]
    [InlineData("4 4 4 4", 10, "4 4 | 4 4")]
    [InlineData("3 20 3", 10, "3 | 20 | 3")] // larger than a shard: one of its own
    [InlineData("20 1", 10, "20 | 1")]
    [InlineData("0 0 10 0 1", 10, "0 0 10 0 | 1")] // empty tensors fit everywhere
    public void Tensors_fill_shards_in_order(string bytes, long shardBytes, string expected)
    {
        var tensors = bytes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select((b, i) => new TensorDeclaration($"t{i}", DType.UInt8, [int.Parse(b)])).ToArray();

        var shards = ShardPlan.Of(tensors, shardBytes);

        string.Join(" | ", shards.Select(shard => string.Join(' ', shard.Select(t => t.ByteCount)))).Should().Be(expected);
        shards.SelectMany(s => s).Should().Equal(tensors);
    }

    [Fact]
    public void Sizes_near_the_limit_of_63_bits_do_not_overflow()
    {
        var huge = new TensorDeclaration("huge", DType.UInt8, [long.MaxValue - 1]);

        ShardPlan.Of([huge, huge with { Name = "other" }], long.MaxValue).Should().HaveCount(2);
    }

    [Fact]
    public void Shards_are_named_as_Hugging_Face_names_them() => ShardPlan.FileName(1, 12).Should().Be("model-00002-of-00012.safetensors");
}
