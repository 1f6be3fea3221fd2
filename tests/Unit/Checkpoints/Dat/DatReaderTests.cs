using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints.Dat;

public sealed class DatReaderTests
{
    // One tensor: "w", float32, [2], 8 bytes.
    private static readonly byte[] Tiny = [1, 1, (byte)'w', 6, 1, 2, 0, 0, 128, 63, 0, 0, 0, 64];

    [Fact]
    public unsafe void Tensors_that_are_not_aligned_can_be_mapped()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("model.dat", Tiny));

        checkpoint.Format.Should().Be(CheckpointFormat.Dat);
        var entry = checkpoint.Entries.Should().ContainSingle().Subject;
        entry.Storage.Position.Should().Be(6);
        using var mapping = FileMapping.Open(entry.Storage.File, MappingAccess.ReadOnly);
        new ReadOnlySpan<float>(mapping.PointerTo(entry.Storage), 2).ToArray().Should().Equal(1, 2);
    }

    [Theory]
    [InlineData(256)]
    [InlineData(512)]
    public void A_count_that_looks_like_the_start_of_a_pickle_is_a_count(int tensors)
    {
        using var folder = new TemporaryFolder();
        var bytes = new List<byte> { 0x80, (byte)(tensors >> 7) };
        for (var i = 0; i < tensors; i++) bytes.AddRange([2, (byte)('a' + i / 26), (byte)('a' + i % 26), 0, 0, (byte)i]);

        using var checkpoint = Checkpoint.Open(folder.Write("model.dat", bytes.ToArray()));
        checkpoint.Entries.Should().HaveCount(tensors);
    }

    [Fact]
    public void A_file_that_is_cut_but_long_enough_for_its_count_is_refused_as_cut()
    {
        var whole = File.ReadAllBytes(Fixtures.Path("odd/dtypes.dat"));
        using var folder = new TemporaryFolder();
        for (var length = 4 * 15; length < whole.Length; length++) Refusal.Of(folder.Write("cut.dat", whole.AsSpan(..length)), CheckpointError.Truncated);
    }

    [Fact]
    public void Bytes_behind_the_last_tensor_are_refused() => Refusal.Of([.. Tiny, 0], CheckpointError.Malformed, "1 bytes behind the last of its 1 tensors");

    [Fact]
    public void A_name_that_comes_twice_is_refused() => Refusal.Of([2, .. Tiny.AsSpan(1), .. Tiny.AsSpan(1)], CheckpointError.Malformed, "'w'", "twice");

    [Theory]
    [InlineData(12, "QInt8")]
    [InlineData(13, "QUInt8")]
    [InlineData(14, "QInt32")]
    public void A_quantized_tensor_is_refused_by_its_type(byte type, string name) =>
        Refusal.Of([1, 1, (byte)'w', type, 0, 0, 0, 0, 0], CheckpointError.Unsupported, "'w'", name, "dequantize()");

    [Fact]
    public void A_type_that_TorchSharp_does_not_have_is_refused() => Refusal.Of([1, 1, (byte)'w', 8, 0, 0, 0, 0, 0], CheckpointError.Malformed, "'w'", "element type 8");

    [Fact]
    public void A_size_that_overflows_is_refused() =>
        Refusal.Of([1, 1, (byte)'w', 6, 2, .. Max63, .. Max63], CheckpointError.Truncated, "'w'", "more than 2^63 bytes");

    [Theory]
    [InlineData("no tensors, but bytes", new byte[] { 0, 0 })]
    [InlineData("more tensors than bytes", new byte[] { 200, 1, 1, 119, 6, 0, 0, 0, 0, 0 })]
    [InlineData("an empty name", new byte[] { 1, 0, 6, 0, 0, 0, 0, 0 })]
    [InlineData("a name that is no UTF-8", new byte[] { 1, 1, 0xff, 6, 0, 0, 0, 0, 0 })]
    [InlineData("a name with a control character", new byte[] { 1, 1, 7, 6, 0, 0, 0, 0, 0 })]
    [InlineData("a name without an end", new byte[] { 1, 100, 119, 6, 0, 0, 0, 0, 0 })]
    [InlineData("a type beyond all", new byte[] { 1, 1, 119, 16, 0, 0, 0, 0, 0 })]
    [InlineData("65 dimensions", new byte[] { 1, 1, 119, 6, 65, 0, 0, 0, 0 })]
    [InlineData("a number without an end", new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1 })]
    public void What_does_not_start_as_one_is_not_taken_for_one(string what, byte[] contents)
    {
        what.Should().NotBeEmpty("it says what is wrong to whoever reads the test's name");
        Refusal.Of(contents, CheckpointError.UnknownFormat, "no checkpoint that Loadline knows");
    }

    private static ReadOnlySpan<byte> Max63 => [255, 255, 255, 255, 255, 255, 255, 255, 127];

    // The first bytes of ONNX and of ExecuTorch are a count and the length of a name, too.
    [Theory]
    [InlineData(8, "Block{0}.w")]
    [InlineData(8, ":block{0}.w")]
    [InlineData(130, "NET1.layer{0}.weight")]
    public void Names_that_begin_as_the_marks_of_other_formats_are_names(int tensors, string name)
    {
        using var folder = new TemporaryFolder();
        var written = Enumerable.Range(0, tensors).Select(i => new TensorDeclaration(name.Replace("{0}", $"{i}", StringComparison.Ordinal), DType.Float32, [1])).ToList();
        using (var writer = CheckpointWriter.Create(folder["a.dat"], CheckpointFormat.Dat, written))
        {
            writer.Write(new byte[sizeof(float) * tensors]);
            writer.Commit();
        }

        using var checkpoint = Checkpoint.Open(folder["a.dat"]);

        checkpoint.Entries.Should().HaveCount(tensors);
    }
}
