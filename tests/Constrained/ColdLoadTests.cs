using Loadline.Harness.Budgets;

namespace Loadline.Constrained;

/// <summary>A cold load onto the CPU is charged for the weights, and not for the file's pages as well.</summary>
[Trait("Category", "Constrained")]
public class ColdLoadTests(CappedRuns runs)
{
    [Theory]
    [InlineData("streamed")]
    [InlineData("meta-assign")]
    public async Task The_cgroups_own_peak_is_the_weights_and_32_MiB_with_room_for_the_file_as_well(string strategy)
    {
        var survives = CappedRuns.Budgets.Cases.First(c => c.Strategy == strategy && c.Device == "cpu" && c.Expect == Outcome.Loaded && c.Engine is null);
        var load = survives with { CapBytes = 4 * ByteSize.GiB };

        // The worker's own pages, some 25 MiB, are charged to the first container that reads them.
        await runs.ReportAsync(load, [], TestContext.Current.CancellationToken);
        var report = await runs.ReportAsync(load, [], TestContext.Current.CancellationToken);

        TestContext.Current.TestOutputHelper!.WriteLine($"{load.Name}: weights {report.WeightBytes}, cgroup {report.PeakCgroupBytes}, anonymous {report.PeakAnonymousBytes}");
        report.Cold.Should().BeTrue();
        report.PeakCgroupBytes.Should().BeInRange(report.WeightBytes, report.WeightBytes + 32 * ByteSize.MiB);
    }
}
