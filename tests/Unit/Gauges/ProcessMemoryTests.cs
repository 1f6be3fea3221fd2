using System.Diagnostics;
using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public sealed class ProcessMemoryTests
{
    private const string Status =
        "Name:\tRssAnon: 9 kB\nUmask:\t0022\nVmHWM:\t    1640 kB\nVmRSS:\t    1632 kB\n" +
        "RssAnon:\t     112 kB\nRssFile:\t    1528 kB\nRssShmem:\t       0 kB\n";

    private const string Stat = "10743 (a) R 1 (b c)) R 12299 12299 9170 0 -1 4194304 99 0 17 0 0 0 0 0 20 0 1 0 126850 3133440 394\n";

    [Fact]
    public void Sizes_are_read_in_bytes()
    {
        using var tree = Recorded(Status);
        using var process = ProcessMemory.OpenFolder(tree.Root);

        process.Read().Should().Be(new ProcessMemoryReading(
            AnonBytes: 112 * 1024, FileBytes: 1528 * 1024, ShmemBytes: 0, RssBytes: 1632 * 1024, PeakRssBytes: 1640 * 1024));
    }

    // They stand before the sizes, ten digits each.
    [Theory]
    [InlineData(700)]
    [InlineData(65_536)]
    public void A_process_in_many_groups_has_its_sizes_too(int groups)
    {
        using var tree = Recorded($"Groups:\t{string.Join(' ', Enumerable.Range(1_000_000_000, groups))} \n" + Status);
        using var process = ProcessMemory.OpenFolder(tree.Root);

        process.Read().AnonBytes.Should().Be(112 * 1024);
    }

    [Fact]
    public void A_program_name_with_blanks_and_brackets_does_not_shift_the_fields()
    {
        using var tree = Recorded(Status);
        using var process = ProcessMemory.OpenFolder(tree.Root);

        process.ReadMajorFaults().Should().Be(17);
    }

    [Fact]
    public void Bytes_from_the_disk_are_read_where_the_kernel_counts_them()
    {
        using var tree = Recorded(Status);
        using (var before = ProcessMemory.OpenFolder(tree.Root)) before.ReadDiskBytes().Should().BeNull("there is no file io");
        File.WriteAllText(Path.Combine(tree.Root, "io"), "rchar: 9\nwchar: 0\nsyscr: 10\nsyscw: 0\nread_bytes: 4096\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");

        using var process = ProcessMemory.OpenFolder(tree.Root);

        process.ReadDiskBytes().Should().Be(4096);
    }

    [Theory]
    [InlineData("RssAnon")]
    [InlineData("RssFile")]
    [InlineData("RssShmem")]
    [InlineData("VmRSS")]
    [InlineData("VmHWM")]
    public void A_missing_field_is_an_error_that_names_it(string field)
    {
        using var tree = Recorded(Status.Replace($"\n{field}:", "\nOther:"));
        using var process = ProcessMemory.OpenFolder(tree.Root);

        process.Invoking(p => p.Read()).Should().Throw<GaugeException>().WithMessage($"*/status: has no field '{field}'*");
    }

    [Theory]
    [InlineData("112")]
    [InlineData("112 MB")]
    [InlineData("kB")]
    [InlineData("-112 kB")]
    [InlineData("1x2 kB")]
    [InlineData("9223372036854775807 kB")]
    public void A_field_that_is_no_size_is_an_error(string value)
    {
        using var tree = Recorded(Status.Replace("     112 kB", value));
        using var process = ProcessMemory.OpenFolder(tree.Root);

        process.Invoking(p => p.Read()).Should().Throw<GaugeException>().WithMessage("*/status: RssAnon reads '*', expected a size*");
    }

    [Theory]
    [InlineData("")]
    [InlineData("10743 (cat) R 1 2 3\n")]
    public void A_stat_that_ends_early_is_an_error(string text)
    {
        using var tree = Recorded(Status);
        tree["/stat"] = text;
        using var process = ProcessMemory.OpenFolder(tree.Root);

        process.Invoking(p => p.ReadMajorFaults()).Should().Throw<GaugeException>().WithMessage("*/stat: has no field 'majflt'*");
    }

    [Fact]
    public void This_process_holds_what_the_kernel_says_and_reading_it_allocates_nothing()
    {
        using var process = ProcessMemory.Open();

        var reading = process.Read();

        reading.AnonBytes.Should().BePositive();
        reading.RssBytes.Should().Be(reading.AnonBytes + reading.FileBytes + reading.ShmemBytes);
        reading.PeakRssBytes.Should().BeGreaterThanOrEqualTo(reading.RssBytes);
        Allocations.Of(() => process.Read()).Should().Be(0);
        Allocations.Of(() => process.ReadMajorFaults()).Should().Be(0);
    }

    [Fact]
    public async Task A_process_that_has_ended_is_an_error()
    {
        using var child = Process.Start(new ProcessStartInfo("cat") { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        using var process = ProcessMemory.Open(child.Id);
        process.Read().RssBytes.Should().BePositive();

        child.StandardInput.Close();
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.Invoking(p => p.Read()).Should().Throw<GaugeException>().WithMessage($"/proc/{child.Id}/status: *");
    }

    private static RecordedTree Recorded(string status) => new() { ["/status"] = status, ["/stat"] = Stat };
}
