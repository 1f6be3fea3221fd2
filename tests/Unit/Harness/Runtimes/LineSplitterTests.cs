using System.Text;
using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Runtimes;

public sealed class LineSplitterTests
{
    private readonly List<string> _lines = [];

    [Fact]
    public void Lines_are_the_same_wherever_the_stream_is_cut()
    {
        var bytes = "one\r\n\ntwö\nthree"u8;
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            _lines.Clear();
            var splitter = new LineSplitter(_lines.Add);
            splitter.Append(bytes[..cut]);
            splitter.Append(bytes[cut..]);
            splitter.Complete();
            _lines.Should().Equal(["one", "", "twö", "three"], $"it was cut at {cut}");
        }
    }

    [Fact]
    public void A_stream_that_ends_with_a_newline_has_no_empty_last_line() => Split("one\n"u8).Should().Equal("one");

    [Fact]
    public void A_carriage_return_within_a_line_stays() => Split("10 %\r20 %\n"u8).Should().Equal("10 %\r20 %");

    [Fact]
    public void Bytes_that_are_no_utf8_do_not_lose_the_line() => Split([(byte)'a', 0xFF, (byte)'b', (byte)'\n']).Should().Equal("a\uFFFDb");

    [Fact]
    public void A_line_without_an_end_arrives_in_pieces()
    {
        var bytes = Encoding.ASCII.GetBytes(new string('x', LineSplitter.MaxLineBytes + 3));

        Split(bytes).Select(line => line.Length).Should().Equal(LineSplitter.MaxLineBytes, 3);
    }

    [Theory]
    [InlineData("ö", 1)]
    [InlineData("\u20ac", 1)]
    [InlineData("\u20ac", 2)]
    [InlineData("😀", 1)]
    [InlineData("😀", 3)]
    public void A_character_is_not_cut_where_a_long_line_is(string character, int before)
    {
        var line = new string('x', LineSplitter.MaxLineBytes - before) + character + "y";

        Split(Encoding.UTF8.GetBytes(line)).Should().Equal(line[..(LineSplitter.MaxLineBytes - before)], character + "y");
    }

    private List<string> Split(ReadOnlySpan<byte> bytes)
    {
        var splitter = new LineSplitter(_lines.Add);
        splitter.Append(bytes);
        splitter.Complete();
        return _lines;
    }

    [Fact]
    public async Task Who_takes_a_line_may_take_longer_than_the_grace_and_who_holds_a_pipe_open_may_not()
    {
        var grace = TimeSpan.FromMilliseconds(50);
        using var taken = new SemaphoreSlim(0);
        var splitter = new LineSplitter(_ => taken.Wait());
        var reading = Task.Run(() => splitter.Append("a line\n"u8), TestContext.Current.CancellationToken);
        SpinWait.SpinUntil(() => splitter.IsHandingOn, TimeSpan.FromSeconds(30)).Should().BeTrue();

        var ends = BrokenOutput.EndsAsync(reading, grace, () => [splitter], CancellationToken.None);
        await Task.Delay(4 * grace, TestContext.Current.CancellationToken);
        ends.IsCompleted.Should().BeFalse();
        taken.Release();
        await ends;

        var held = () => BrokenOutput.EndsAsync(new TaskCompletionSource().Task, grace, () => [splitter], CancellationToken.None);
        await held.Should().ThrowAsync<TimeoutException>();
    }

    // A process that left the cgroup prints on and on: lines are handed on whenever one looks.
    [Fact]
    public async Task What_prints_more_than_pipes_hold_when_the_program_has_ended_is_somebody_else()
    {
        using var over = new CancellationTokenSource();
        var splitter = new LineSplitter(_ => { });
        var line = new byte[1 << 20];
        line[^1] = (byte)'\n';
        var reading = Task.Run(
            () =>
            {
                while (!over.IsCancellationRequested) splitter.Append(line);
            },
            TestContext.Current.CancellationToken);

        // Each look finds a line that is handed on, or ends the wait as well.
        var ends = () => BrokenOutput.EndsAsync(reading, TimeSpan.FromMilliseconds(50), () => [splitter], CancellationToken.None);
        await ends.Should().ThrowAsync<TimeoutException>();
        await over.CancelAsync();
        await reading;
    }
}
