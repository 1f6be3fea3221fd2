using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public class PeakBoundTests
{
    [Fact]
    public void A_peak_that_came_and_went_between_two_readings_is_bounded_by_the_charge_less_the_cache() =>
        Of(Reading(held: 10, cache: 100, peak: 112), Reading(held: 10, cache: 100, peak: 412)).Should().Be(312);

    [Fact]
    public void What_is_read_of_files_does_not_count() =>
        Of(Reading(held: 10, cache: 0, peak: 12), Reading(held: 10, cache: 20, peak: 32), Reading(held: 10, cache: 40, peak: 52)).Should().Be(32, "20 were read at a time");

    [Fact]
    public void Cache_that_the_kernel_took_back_may_have_made_room_for_memory() =>
        Of(Reading(held: 10, cache: 400, peak: 412), Reading(held: 10, cache: 150, peak: 412)).Should().Be(412, "before the first reading nothing was cached");

    [Fact]
    public void Page_faults_bound_it_while_a_file_is_read_at_speed() =>
        Of(Reading(held: 10, cache: 0, peak: 12, faulted: 10), Reading(held: 10, cache: 500, peak: 512, faulted: 14)).Should().Be(14);

    // In pipes, where no process has it mapped; up to what the kernel's batches hide.
    [Fact]
    public void What_is_charged_and_stands_in_no_class_is_held_as_well()
    {
        var before = Reading(held: 10, cache: 500, peak: 0, faulted: 10);
        var after = Reading(held: 10, cache: 500, peak: ByteSize.GiB, faulted: 14);
        const long Parked = 300 * ByteSize.MiB;
        Of(before with { ParkedBytes = Parked }, after).Should().BeInRange(Parked - ByteSize.MiB - (520L * 1024 * Environment.ProcessorCount), Parked);
        Of(before with { ParkedBytes = ByteSize.MiB }, after).Should().Be(14);
    }

    [Fact]
    public void Files_in_memory_are_written_without_a_fault() =>
        Of(Reading(held: 10, cache: 0, peak: 12, faulted: 10), new CgroupReading(60, 500, 50, 12, 600)).Should().Be(62);

    [Fact]
    public void Nothing_bounds_what_was_before_somebody_set_the_kernels_peak_back() =>
        Of(Reading(held: 10, cache: 0, peak: 40 * ByteSize.MiB), Reading(held: 10, cache: 0, peak: 12), Reading(held: 10, cache: 0, peak: 60 * ByteSize.MiB)).Should().BeNull();

    [Fact]
    public void Processors_that_charge_at_once_make_it_fall_by_some_pages() =>
        Of(Reading(held: 10, cache: 0, peak: 412), Reading(held: 10, cache: 0, peak: 400), Reading(held: 10, cache: 0, peak: 600)).Should().Be(600);

    [Fact]
    public void Nothing_bounds_what_the_kernel_keeps_no_count_of() => Of(new CgroupReading(10, 0, 0, null, null)).Should().BeNull();

    [Theory]
    [InlineData(2, 312 * ByteSize.MiB)]
    [InlineData(100, 312 * ByteSize.MiB)]
    [InlineData(105, 312 * ByteSize.MiB + 5 * 8 * ByteSize.GiB / 1000)]
    [InlineData(500, 412 * ByteSize.MiB)]
    public void Cache_that_can_have_been_let_go_and_read_again_between_two_readings_may_have_made_room_for_memory(int gapMilliseconds, long expected)
    {
        var bound = new PeakBound();
        bound.Add(Reading(held: 10 * ByteSize.MiB, cache: 100 * ByteSize.MiB, peak: 112 * ByteSize.MiB), TimeSpan.FromMilliseconds(2));
        bound.Add(Reading(held: 10 * ByteSize.MiB, cache: 100 * ByteSize.MiB, peak: 412 * ByteSize.MiB), TimeSpan.FromMilliseconds(gapMilliseconds));

        bound.Bytes!.Value.Should().BeCloseTo(expected, 1);
    }

    [Fact]
    public void A_bound_is_never_below_what_was_read() => Of(Reading(held: 300, cache: 0, peak: 299)).Should().Be(300, "the kernel adds its counters up in batches");

    private static CgroupReading Reading(long held, long cache, long? peak, long? faulted = null) => new(held, cache, 0, faulted, peak);

    private static long? Of(params CgroupReading[] readings)
    {
        var bound = new PeakBound();
        foreach (var reading in readings) bound.Add(reading, TimeSpan.FromMilliseconds(2));
        return bound.Bytes;
    }
}
