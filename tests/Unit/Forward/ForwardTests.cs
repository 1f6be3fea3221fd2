using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Forward;
using Loadline.Strategies;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Forward;

/// <summary>What loaded weights compute, held against PyTorch's own logits.</summary>
public class ForwardTests
{
    public static TheoryData<string> Strategies => [.. StrategyCatalog.All.Select(s => s.Name)];

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Every_strategy_s_weights_compute_PyTorch_s_logits(string strategy) =>
        Difference("gpt2-tiny.pth", "gpt2-tiny.pth", new LoadOptions { Strategy = strategy }).Should().BeNull();

    [Theory]
    [InlineData("gpt2-tiny-legacy.pth")]
    [InlineData("gpt2-tiny.safetensors")]
    [InlineData("gpt2-tiny-sharded")]
    [InlineData("gpt2-tiny-parameters")]
    [InlineData("odd/gpt2-tiny.dat")]
    public void The_bits_are_the_same_from_every_format(string fixture) =>
        TinyGpt2.Compute(Fixtures.Path(fixture)).Should().Equal(TinyGpt2.Compute(Fixtures.Path("gpt2-tiny.pth")));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void The_bits_are_the_same_for_any_number_of_threads_mapped_or_owned(int threads) =>
        TinyGpt2.Compute(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Strategy = "streamed", Readers = threads })
            .Should().Equal(TinyGpt2.Compute(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Readers = 3 }));

    [Fact]
    public void Weights_of_bfloat16_compute_what_PyTorch_computes_with_them_in_float32() =>
        Difference("gpt2-tiny-bf16.pth", "gpt2-tiny-bf16.pth", new LoadOptions()).Should().BeNull();

    [Theory]
    [InlineData("float16")]
    [InlineData("bfloat16")]
    public void Sixteen_bits_compute_as_the_same_values_in_float32(string name)
    {
        DType.TryParse(name, out var narrow);
        using var folder = new TemporaryFolder();
        using var other = new TemporaryFolder();
        var narrowed = TinyGpt2.Write(folder, (entry, bytes) => (narrow!, Convert(entry.DType, bytes, narrow!)));
        var widened = TinyGpt2.Write(other, (entry, bytes) => (DType.Float32, Convert(narrow!, Convert(entry.DType, bytes, narrow!), DType.Float32)));

        TinyGpt2.Compute(narrowed).Should().Equal(TinyGpt2.Compute(widened)).And.NotEqual(TinyGpt2.Compute(Fixtures.Path("gpt2-tiny.pth")));
    }

    [Fact]
    public void A_model_without_masks_sees_the_past_only()
    {
        using var folder = new TemporaryFolder();
        var path = TinyGpt2.Write(folder, (entry, bytes) => entry.Name.EndsWith(".mask", StringComparison.Ordinal) ? null : (entry.DType, bytes));

        TinyGpt2.Compute(path).Should().Equal(TinyGpt2.Compute(Fixtures.Path("gpt2-tiny.pth")));
    }

    [Fact]
    public void A_mask_of_bool_hides_as_one_of_float_does()
    {
        using var folder = new TemporaryFolder();
        var path = TinyGpt2.Write(folder, (entry, bytes) => entry.Name.EndsWith(".mask", StringComparison.Ordinal)
            ? (DType.Bool, [.. bytes.Chunk(sizeof(float)).Select(f => (byte)(BitConverter.ToSingle(f) == 0 ? 0 : 1))])
            : (entry.DType, bytes));

        TinyGpt2.Compute(path).Should().Equal(TinyGpt2.Compute(Fixtures.Path("gpt2-tiny.pth")));
    }

    [Fact]
    public void A_mask_that_hides_nothing_changes_the_logits()
    {
        using var folder = new TemporaryFolder();
        var path = TinyGpt2.Write(folder, (entry, bytes) => (entry.DType, entry.Name.EndsWith(".mask", StringComparison.Ordinal) ? new byte[bytes.Length] : bytes));

        TinyGpt2.Compute(path).Should().NotEqual(TinyGpt2.Compute(Fixtures.Path("gpt2-tiny.pth")));
    }

    [Fact]
    public void Biases_of_zero_and_none_at_all_are_the_same()
    {
        using var folder = new TemporaryFolder();
        using var other = new TemporaryFolder();
        var zero = TinyGpt2.Write(folder, (entry, bytes) => (entry.DType, IsOptionalBias(entry) ? new byte[bytes.Length] : bytes));
        var none = TinyGpt2.Write(other, (entry, bytes) => IsOptionalBias(entry) ? null : (entry.DType, bytes));

        TinyGpt2.Compute(none).Should().Equal(TinyGpt2.Compute(zero));

        static bool IsOptionalBias(TensorEntry entry) => entry.Name.Contains(".W_", StringComparison.Ordinal) && entry.Name.EndsWith(".bias", StringComparison.Ordinal);
    }

    private static string? Difference(string fixture, string recorded, LoadOptions load)
    {
        var logits = TinyGpt2.Run(Fixtures.Path(fixture), load, null, new NativeEngine());
        return RecordedLogits.Find(Fixtures.Path(recorded), logits.Positions, logits.Vocabulary)!.Difference(logits, tolerance: 1e-5, out _);
    }

    private static byte[] Convert(DType from, byte[] bytes, DType to)
    {
        var converted = new byte[bytes.Length / from.BytesPerElement * to.BytesPerElement];
        DTypeConversion.Convert(from, bytes, to, converted);
        return converted;
    }
}
