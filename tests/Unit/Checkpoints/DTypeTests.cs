using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

public sealed class DTypeTests
{
    [Fact]
    public void Every_dtype_is_found_by_its_name_with_and_without_the_prefix()
    {
        foreach (var dtype in DType.All)
        {
            DType.TryParse(dtype.Name, out var bare).Should().BeTrue();
            DType.TryParse("torch." + dtype.Name, out var prefixed).Should().BeTrue();
            (bare, prefixed).Should().Be((dtype, dtype));
        }

        DType.TryParse("float31", out _).Should().BeFalse();
        DType.TryParse(null, out _).Should().BeFalse();
    }

    [Fact]
    public void No_two_dtypes_share_a_name_in_any_format()
    {
        DType.All.Select(d => d.Name).Should().OnlyHaveUniqueItems();
        DType.All.Select(d => d.SafetensorsName).OfType<string>().Should().OnlyHaveUniqueItems().And.HaveCount(22, "the reference has 22");
        DType.All.Select(d => d.StorageClass).OfType<string>().Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void Elements_narrower_than_a_byte_round_up_together()
    {
        DType.Float4.ByteCount(3).Should().Be(2);
        DType.Float6E2M3.ByteCount(4).Should().Be(3);
        DType.BFloat16.ByteCount(3).Should().Be(6);
        FluentActions.Invoking(() => DType.Float64.ByteCount(long.MaxValue)).Should().Throw<OverflowException>();
    }
}
