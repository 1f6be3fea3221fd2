using System.Collections.Concurrent;
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
    public void Lists_that_share_threads_are_all_worked_off()
    {
        var worked = 0;

        Parallel.For(0, 300, _ => Readers.Run(4, Enumerable.Range(0, 20), _ => Interlocked.Increment(ref worked)));

        worked.Should().Be(300 * 20);
    }

    [Fact]
    public void Readers_work_in_the_context_of_whoever_runs_them()
    {
        var local = new AsyncLocal<int>();
        for (var run = 1; run <= 20; run++)
        {
            local.Value = run;
            var seen = new ConcurrentBag<int>();
            Readers.Run(4, Enumerable.Range(0, 50), _ => seen.Add(local.Value));
            seen.Should().OnlyContain(value => value == run);
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
