using Loadline.Reading;

namespace Loadline.Unit.Reading;

public class ReadersTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Every_item_is_worked_on_once(int readers)
    {
        var seen = new int[1000];

        Readers.Run(readers, Enumerable.Range(0, seen.Length), i => Interlocked.Increment(ref seen[i]));

        seen.Should().OnlyContain(count => count == 1);
    }

    [Fact]
    public void The_first_error_stops_all_readers_and_is_thrown()
    {
        var worked = 0;
        var run = () => Readers.Run(3, Enumerable.Range(0, int.MaxValue), i =>
        {
            if (i == 50) throw new IOException("disk gone");
            Interlocked.Increment(ref worked);
        });

        run.Should().Throw<IOException>().WithMessage("disk gone");
        worked.Should().BeLessThan(int.MaxValue - 1);
    }

    [Fact]
    public void Threads_that_are_used_again_or_have_ended_meanwhile_do_all_of_every_list()
    {
        for (var round = 0; round < 3; round++)
        {
            var worked = 0;
            Parallel.For(0, 100, _ => Readers.Run(4, Enumerable.Range(0, 20), _ => Interlocked.Increment(ref worked)));
            worked.Should().Be(100 * 20);
            // About as long as a thread waits for more.
            Thread.Sleep(500);
        }
    }

    [Fact]
    public void An_error_in_the_list_itself_is_thrown_too()
    {
        static IEnumerable<int> Items()
        {
            yield return 1;
            throw new InvalidDataException("no next item");
        }

        var run = () => Readers.Run(2, Items(), _ => { });

        run.Should().Throw<InvalidDataException>();
    }
}
