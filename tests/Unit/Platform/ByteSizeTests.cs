namespace Loadline.Unit.Platform;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("512MiB", 512L << 20)]
    [InlineData("1.5 GiB", 3L << 29)]
    [InlineData("2gib", 2L << 30)]
    [InlineData(" 4096B ", 4096)]
    [InlineData("7", 7)]
    [InlineData("3TiB", 3L << 40)]
    [InlineData("0", 0)]
    public void A_size_is_read(string text, long bytes) => ByteSize.Parse(text).Should().Be(bytes);

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1GB")]
    [InlineData("KiB")]
    [InlineData("0.3B")]
    [InlineData("1,5GiB")]
    [InlineData("9999999TiB")]
    public void What_is_no_size_is_refused(string text) =>
        FluentActions.Invoking(() => ByteSize.Parse(text)).Should().Throw<FormatException>().WithMessage($"'{text}' is not a size*");

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(1646L << 20, "1646 MiB")]
    [InlineData(25L << 29, "12.5 GiB")]
    [InlineData(-2048, "-2 KiB")]
    [InlineData((100L << 20) - 1, "100.0 MiB")]
    [InlineData((12L << 20) + (995 << 10), "13.0 MiB")]
    [InlineData((1000L << 20) + (1 << 19), "1001 MiB")]
    [InlineData(long.MaxValue, "8388608 TiB")]
    [InlineData(long.MinValue, "-8388608 TiB")]
    public void A_size_is_printed_with_the_unit_that_people_use(long bytes, string text) => ByteSize.Format(bytes).Should().Be(text);
}
