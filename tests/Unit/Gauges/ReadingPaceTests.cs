using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public class ReadingPaceTests
{
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(2);

    private readonly ReadingPace _pace = new(Least);

    [Fact]
    public void Readings_that_take_no_time_are_followed_by_the_shortest_rest() => Rests(0.1, 20).Should().Be(Least);

    [Fact]
    public void On_a_slow_machine_a_rest_is_four_times_as_long_as_a_reading() => Rests(5, 200).Should().BeCloseTo(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(1));

    [Fact]
    public void One_reading_that_was_held_up_makes_no_slow_machine()
    {
        Rests(0.1, 20);

        _pace.RestAfter(TimeSpan.FromMilliseconds(500)).Should().Be(Least);
    }

    private TimeSpan Rests(double milliseconds, int readings)
    {
        var rest = TimeSpan.Zero;
        for (var i = 0; i < readings; i++) rest = _pace.RestAfter(TimeSpan.FromMilliseconds(milliseconds));
        return rest;
    }
}
