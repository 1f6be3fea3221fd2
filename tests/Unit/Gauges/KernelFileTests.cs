using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

/// <summary>Tables of the kernel's, in whose names stand bytes that other files' lines end at.</summary>
public sealed class KernelFileTests
{
    [Theory]
    [InlineData("one /mnt/a\rb x\ntwo\n", "one /mnt/a\rb x", "two")]
    [InlineData("one\ntwo", "one", "two")]
    [InlineData("")]
    public void A_line_ends_at_a_line_feed_alone(string table, params string[] lines)
    {
        using var folder = new TemporaryFolder();

        KernelFile.ReadLines(folder.Write("table", System.Text.Encoding.UTF8.GetBytes(table))).Should().Equal(lines);
    }
}
