using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

public sealed class ShapesTests
{
    [Theory]
    [InlineData(new long[0], new long[0])]
    [InlineData(new long[] { 5 }, new long[] { 1 })]
    [InlineData(new long[] { 2, 3, 4 }, new long[] { 12, 4, 1 })]
    [InlineData(new long[] { 2, 0, 4 }, new long[] { 4, 4, 1 })]
    public void Contiguous_strides_are_PyTorchs(long[] shape, long[] strides) => Shapes.ContiguousStrides(shape).Should().Equal(strides);

    [Fact]
    public void A_stride_that_overflows_is_an_error_unless_the_tensor_is_empty()
    {
        FluentActions.Invoking(() => Shapes.ContiguousStrides([2, long.MaxValue, 2])).Should().Throw<OverflowException>();
        Shapes.ContiguousStrides([0, long.MaxValue, 2]).Should().HaveCount(3);
    }

    [Theory]
    [InlineData(new long[] { 2, 3 }, new long[] { 3, 1 }, true)]
    [InlineData(new long[] { 2, 3 }, new long[] { 1, 2 }, false)]
    [InlineData(new long[] { 1, 3 }, new long[] { 77, 1 }, true)]
    [InlineData(new long[] { 3, 4 }, new long[] { 0, 1 }, false)]
    [InlineData(new long[] { 0, 4 }, new long[] { 9, 9 }, true)]
    public void A_view_is_contiguous_or_not(long[] shape, long[] strides, bool isContiguous) => Shapes.IsContiguous(shape, strides).Should().Be(isContiguous);

    [Theory]
    [InlineData(new long[0], new long[0], 1)]
    [InlineData(new long[] { 3, 2 }, new long[] { 10, 3 }, 24)]
    [InlineData(new long[] { 3, 0 }, new long[] { 10, 3 }, 0)]
    [InlineData(new long[] { 9 }, new long[] { 0 }, 1)]
    public void A_view_reaches_to_its_last_element(long[] shape, long[] strides, long reach) => Shapes.Reach(shape, strides).Should().Be(reach);

    [Fact]
    public void A_reach_or_count_that_overflows_is_an_error()
    {
        FluentActions.Invoking(() => Shapes.Reach([3], [long.MaxValue])).Should().Throw<OverflowException>();
        FluentActions.Invoking(() => Shapes.ElementCount([long.MaxValue, 2])).Should().Throw<OverflowException>();
        Shapes.ElementCount([long.MaxValue, 2, 0]).Should().Be(0);
    }
}
