using Loadline.Toucher;

namespace Loadline.Unit.Gauges;

/// <summary>The measurer is measured first: a program touches exactly so many bytes, and the gauges read that.</summary>
public sealed class TouchedMemoryTests : IDisposable
{
    private const long MiB = 1024 * 1024;
    private const long TouchedBytes = 96 * MiB;

    private readonly string _file = Path.Join(AppContext.BaseDirectory, Path.GetRandomFileName());

    [Fact]
    public async Task Anonymous_memory_is_read_within_a_mebibyte()
    {
        var report = await Touch("anon");

        report.AnonBytes.Should().BeCloseTo(TouchedBytes, (ulong)MiB);
        report.FileBytes.Should().BeInRange(-MiB, MiB);
        report.ShmemBytes.Should().BeInRange(-MiB, MiB);
        report.After.PeakRssBytes.Should().BeGreaterThanOrEqualTo(report.After.RssBytes);
    }

    [Fact]
    public async Task Shared_memory_is_read_as_such()
    {
        var report = await Touch("shmem");

        report.ShmemBytes.Should().BeCloseTo(TouchedBytes, (ulong)MiB);
        report.AnonBytes.Should().BeInRange(-MiB, MiB);
        report.FileBytes.Should().BeInRange(-MiB, MiB);
    }

    [Fact]
    public async Task Mapped_pages_that_are_only_read_are_file_pages()
    {
        var report = await Touch("mapped-read");

        report.FileBytes.Should().BeCloseTo(TouchedBytes, (ulong)MiB);
        report.AnonBytes.Should().BeInRange(-MiB, MiB);
    }

    [Fact]
    public async Task Mapped_pages_that_are_written_become_anonymous_one_by_one()
    {
        var report = await Touch("mapped-write");

        report.AnonBytes.Should().BeCloseTo(TouchedBytes / 2, (ulong)MiB, "every second page is written");
    }

    [Fact]
    public async Task Sampling_itself_takes_less_than_a_mebibyte()
    {
        var report = await ToucherRun.RunAsync(["sampler", "100"]);

        (report.AnonBytes + report.ShmemBytes).Should().BeLessThan(MiB);
    }

    public void Dispose() => File.Delete(_file);

    private async Task<TouchReport> Touch(string kind)
    {
        if (!kind.StartsWith("mapped", StringComparison.Ordinal)) return await ToucherRun.RunAsync([kind, $"{TouchedBytes}"]);
        await File.WriteAllBytesAsync(_file, new byte[TouchedBytes], TestContext.Current.CancellationToken);
        return await ToucherRun.RunAsync([kind, $"{TouchedBytes}", _file]);
    }
}
