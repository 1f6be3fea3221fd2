using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

public sealed class TensorRefusalTests
{
    [Theory]
    [InlineData(0, new long[] { 5 }, new long[] { 1 }, "of shape [5]")]
    [InlineData(1, new long[] { 4 }, new long[] { 1 }, "from element 1")]
    [InlineData(0, new long[] { 2, 2 }, new long[] { 3, 1 }, "strides [3, 1]")]
    [InlineData(5, new long[] { 0 }, new long[] { 1 }, "from element 5")]
    [InlineData(long.MaxValue, new long[] { 2 }, new long[] { 1 }, "storage of 4 elements")]
    [InlineData(0, new[] { 2, long.MaxValue }, new[] { long.MaxValue, long.MaxValue }, "storage of 4 elements")]
    [InlineData(0, new[] { long.MaxValue, long.MaxValue }, new long[] { 0, 0 }, "storage of 4 elements")]
    [InlineData(-1, new long[] { 1 }, new long[] { 1 }, "negative")]
    [InlineData(0, new long[] { -1 }, new long[] { 1 }, "negative")]
    [InlineData(3, new long[] { 2 }, new long[] { -1 }, "negative")]
    [InlineData(0, new long[] { 2, 2 }, new long[] { 1 }, "2 sizes, but 1 strides")]
    public void A_view_that_leaves_its_storage_is_refused(long offset, long[] shape, long[] strides, string says) => Refusal.Of(
        TinyArchive.Of(Dict(Text("h.0.w"), Tensor(Storage("0", 4), offset, shape, strides))), CheckpointError.Malformed, "tensor 'h.0.w'", says);

    [Fact]
    public void More_dimensions_than_any_tensor_has_are_refused() => Refusal.Of(
        TinyArchive.Of(Dict(Text("w"), Tensor(Storage("0", 4), 0, [.. Enumerable.Repeat(1L, 65)], [.. Enumerable.Repeat(1L, 65)]))),
        CheckpointError.LimitExceeded, "tensor 'w'", "65 dimensions");

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(-4)]
    [InlineData(long.MaxValue)]
    public void A_storage_of_another_length_than_its_record_is_refused(long count) => Refusal.Of(
        TinyArchive.Of(Dict(Text("w"), Tensor(Storage("0", count), 0, [1], [1]))), CheckpointError.Malformed, "tensor 'w'", "data/0", $"{count} elements", "16 bytes");

    [Fact]
    public void A_storage_that_is_not_in_the_archive_is_refused() => Refusal.Of(
        TinyArchive.Of(Dict(Text("w"), Tensor(Storage("../data.pkl", 4), 0, [4], [1]))), CheckpointError.Malformed, "tensor 'w'", "data/../data.pkl");

    [Fact]
    public void A_key_that_is_set_twice_is_refused() => Refusal.Of(
        TinyArchive.Of(Dict(Text("w"), Tensor(Storage("0", 4), 0, [4], [1]), Text("w"), Tensor(Storage("0", 4), 0, [2], [1]))),
        CheckpointError.Malformed, "tensor 'w'", "twice");

    [Fact]
    public void A_name_with_line_breaks_and_escapes_stays_on_one_line() => Refusal.Of(
        TinyArchive.Of(Dict(Text("a\n\u001b[31mb"), Tensor(Storage("1", 4), 0, [4], [1]))), CheckpointError.Malformed, "a\\u000a\\u001b[31mb");

    [Theory]
    [InlineData("quantized.pth", "is quantized", "dequantize()")]
    [InlineData("sparse.pth", "is sparse", "to_dense()")]
    [InlineData("meta.pth", "meta device", "save the loaded model")]
    [InlineData("conjugate.pth", "lazy conjugate", "resolve_conj()")]
    [InlineData("nested.pth", "is a nested tensor", "unbind()")]
    [InlineData("legacy-quantized.pth", "is quantized", "dequantize()")]
    public void What_PyTorch_writes_but_Loadline_does_not_load_is_listed_and_a_load_names_it(string file, string what, string advice)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/refused/" + file));

        var (name, reason) = checkpoint.Unloadable[0];
        name.Should().StartWith("layer.weight");
        reason.Should().Contain(what).And.Contain(advice);
        checkpoint.Invoking(c => c.RequireLoadable()).Should().Throw<CheckpointException>()
            .WithMessage($"*tensor '{name}' cannot be loaded, it *{what}*{advice}*--exclude*").Which.Error.Should().Be(CheckpointError.Unsupported);
    }

    [Fact]
    public void A_file_of_a_big_endian_machine_is_refused() =>
        Refusal.Of(Fixtures.Path("odd/refused/big-endian.pth"), CheckpointError.Unsupported, "byteorder big", "little-endian machine");
}
