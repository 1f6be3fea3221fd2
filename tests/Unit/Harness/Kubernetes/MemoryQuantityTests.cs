using Loadline.Harness.Kubernetes;

namespace Loadline.Unit.Harness.Kubernetes;

public class MemoryQuantityTests
{
    [Theory]
    [InlineData(64L << 20, "64Mi")]
    [InlineData(2L << 30, "2Gi")]
    [InlineData(1536L << 20, "1536Mi")]
    [InlineData(1L << 10, "1Ki")]
    [InlineData(67108865, "67108865")]
    public void A_size_is_written_as_the_API_server_writes_it_back(long bytes, string quantity)
    {
        MemoryQuantity.Of(bytes).Should().Be(quantity);
        MemoryQuantity.TryParse(quantity).Should().Be(bytes);
    }

    [Theory]
    [InlineData("67108864", 67108864)]
    [InlineData("128M", 128000000)]
    [InlineData("129e6", 129000000)]
    [InlineData("1.5Gi", 1610612736)]
    [InlineData("128974848000m", 128974848)]
    [InlineData("0", 0)]
    public void All_that_Kubernetes_writes_is_read(string quantity, long bytes) => MemoryQuantity.TryParse(quantity).Should().Be(bytes);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Mi")]
    [InlineData("64mi")]
    [InlineData("64MiB")]
    [InlineData("-1")]
    [InlineData("1m")]
    [InlineData("1e30")]
    [InlineData("9Ei")]
    [InlineData(" 64Mi")]
    [InlineData("1,000")]
    public void Anything_else_is_no_size(string? text) => MemoryQuantity.TryParse(text).Should().BeNull();
}
