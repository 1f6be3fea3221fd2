using Loadline.Harness.Runs;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Runs;

public class TimelineBuilderTests
{
    [Fact]
    public void A_few_samples_are_all_there()
    {
        var line = new TimelineBuilder();
        line.Add(new SampleEvent(0.001, 5, 6, 0, 7, 8, 0), "open");
        line.Add(new SampleEvent(0.006, 9, 0, 0, null, 0, 0), "read");

        var built = line.Build()!;

        built.Milliseconds.Should().Equal(1, 6);
        built.AnonBytes.Should().Equal(5, 9);
        built.FileBytes.Should().Equal(6, 0);
        built.CgroupBytes.Should().Equal(7, 0);
        (built.ShmemBytes, built.DeviceBytes).Should().Be((null, null), "a column of zeros is left out");
        built.PhaseOf.Select(i => built.Phases[(int)i]).Should().Equal("open", "read");
    }

    [Fact]
    public void A_load_of_hours_stays_bounded_and_keeps_every_maximum_in_its_place()
    {
        // Four hours at 200 samples a second; each gauge peaks once, for one sample.
        const int samples = 4 * 3600 * 200;
        var line = new TimelineBuilder();
        for (var i = 0; i < samples; i++)
        {
            line.Add(
                new SampleEvent(
                    i * 0.005,
                    AnonBytes: i == 1_000_001 ? 1_000_000 : i % 1000,
                    FileBytes: i == 77 ? 2_000_000 : 1,
                    ShmemBytes: i == 1_000_001 ? 7 : 1,
                    CgroupBytes: i == samples - 1 ? 3_000_000 : 1,
                    HostBytes: 0,
                    DeviceBytes: i == 2_000_003 ? 4_000_000 : 1),
                i is > 999_000 and < 1_001_000 ? "copy" : "read");
        }

        var built = line.Build()!;

        built.Milliseconds.Should().HaveCountLessThanOrEqualTo(TimelineBuilder.MaxPoints).And.HaveCountGreaterThan(TimelineBuilder.MaxPoints / 4).And.BeInAscendingOrder();
        (built.AnonBytes.Max(), built.FileBytes!.Max(), built.CgroupBytes!.Max(), built.DeviceBytes!.Max()).Should().Be((1_000_000, 2_000_000, 3_000_000, 4_000_000));
        var peak = built.AnonBytes.ToList().IndexOf(1_000_000);
        built.Milliseconds[peak].Should().Be(5_000_005, "the point of the peak keeps the peak's moment");
        built.ShmemBytes![peak].Should().Be(7, "anonymous and shared memory are of one moment");
        built.Phases[(int)built.PhaseOf[peak]].Should().Be("copy");
    }

    [Fact]
    public void Without_samples_there_is_no_timeline() => new TimelineBuilder().Build().Should().BeNull();
}
