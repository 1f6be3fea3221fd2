using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public sealed class HugePagesTests : IDisposable
{
    private static readonly long PageBytes = Environment.SystemPageSize;

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("always madvise [never]", "always inherit madvise [never]", false, false)]
    [InlineData("always [madvise] never", "always inherit madvise [never]", true, false)]
    [InlineData("[always] madvise never", "always [inherit] madvise never", true, true)]
    [InlineData("always madvise [never]", "always [inherit] madvise never", false, false)]
    [InlineData("always madvise [never]", "[always] inherit madvise never", false, true)]
    public void What_the_kernel_allows_is_read_off_its_settings(string all, string between, bool huge, bool hasBetween)
    {
        Write("", all);
        Write("hugepages-64kB", between);

        HugePages.Read(_folder.Path).Should().Be((huge, hasBetween));
    }

    [Fact]
    public void A_kernel_without_huge_pages_has_none() => HugePages.Read(Path.Combine(_folder.Path, "none")).Should().Be((false, false));

    [Fact]
    public void A_newer_kernel_makes_them_of_others_whatever_its_settings_say()
    {
        HugePages.ByKernel((false, false), hasHuge: true, new Version(6, 1, 5)).Should().Be((true, false));
        HugePages.ByKernel((false, true), hasHuge: true, new Version(5, 15)).Should().Be((false, true));
        HugePages.ByKernel((false, false), hasHuge: false, new Version(6, 18)).Should().Be((false, false));
    }

    [Fact]
    public void A_fault_brings_a_page_or_a_huge_one() =>
        HugePages.FaultedBytes(10, 2, (Huge: true, Between: false)).Should().Be((8 + 2 * PageBytes / 8) * PageBytes);

    [Fact]
    public void Where_nobody_counts_huge_faults_nothing_is_known_of_their_size()
    {
        HugePages.FaultedBytes(10, null, (Huge: true, Between: false)).Should().BeNull();
        HugePages.FaultedBytes(10, 0, (Huge: true, Between: true)).Should().BeNull();
        HugePages.FaultedBytes(10, null, (Huge: false, Between: false)).Should().Be(10 * PageBytes);
    }

    public void Dispose() => _folder.Dispose();

    private void Write(string size, string text) => File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(_folder.Path, size)).FullName, "enabled"), text + "\n");
}
