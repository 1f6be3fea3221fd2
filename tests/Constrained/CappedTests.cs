using System.Runtime.InteropServices;
using Loadline.Strategies;
using Loadline.Testing;

namespace Loadline.Constrained;

/// <summary>Loadline.Testing, as somebody else's tests would use it.</summary>
[Trait("Category", "Constrained")]
public class CappedTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_body_that_holds_more_than_the_cap_is_killed_and_the_sentence_says_so()
    {
        var missed = await Missing(() => Capped.RunAsync(static () => Hold(256 * ByteSize.MiB), cap: "128MiB", cancellation: Cancellation));

        missed.Run.Outcome.Should().Be("killed");
        missed.Message.Should().MatchRegex(@"^'Hold\(256 \* ByteSize\.MiB\)' was to load under 128 MiB but was killed by the cap: last seen with [\d.]+ MiB");
    }

    [Fact]
    public async Task A_body_that_reads_far_more_than_the_cap_through_a_small_buffer_passes()
    {
        var run = await Capped.RunAsync(static () => HoldAgainAndAgain(16 * ByteSize.MiB, times: 32), cap: "128MiB", peakAnonymous: "64MiB", cancellation: Cancellation);

        run.Outcome.Should().Be("loaded");
        run.PeakAnonymousBytes.Should().BeInRange(8 * ByteSize.MiB, 64 * ByteSize.MiB);
    }

    [Fact]
    public async Task A_body_that_ends_its_process_before_it_returns_is_no_pass()
    {
        var missed = await Missing(() => Capped.RunAsync(static () => Environment.Exit(0), cap: "64MiB", peakAnonymous: "32MiB", cancellation: Cancellation));

        missed.Message.Should().Be("'Environment.Exit(0)' ended its process before it returned: what it held was not read, and what it asserts was not reached");
    }

    [Fact]
    public async Task A_missed_budget_says_by_how_much()
    {
        var missed = await Missing(() =>
            Capped.RunAsync(static () => Hold(96 * ByteSize.MiB), cap: "256MiB", peakAnonymous: "64MiB", cancellation: Cancellation));

        missed.Message.Should().MatchRegex(
            @"^'Hold\(96 \* ByteSize\.MiB\)' was limited to 64 MiB of anonymous memory but peaked at (9\d|1\d\d)(\.\d)? MiB, [345]\d(\.\d)? MiB over");
        missed.Run.PeakAnonymousBytes.Should().BeInRange(90 * ByteSize.MiB, 128 * ByteSize.MiB, "the kernel adds its counters up in batches");
    }

    [Fact]
    public async Task A_body_takes_an_argument_and_may_be_asynchronous() =>
        (await Capped.RunAsync(static path => LoadAsync(path), "Fixtures/gpt2-tiny.safetensors", cap: "128MiB", peakAnonymous: "64MiB", cancellation: Cancellation))
            .Outcome.Should().Be("loaded");

    [Fact]
    public async Task What_a_body_throws_is_in_the_sentence()
    {
        var missed = await Missing(() => Capped.RunAsync(static () => throw new FormatException("no such weights"), cap: "128MiB", cancellation: Cancellation));

        missed.Run.Outcome.Should().Be("error");
        missed.Message.Should().Contain("ended in error: exit code 1: FormatException: no such weights");
    }

    [Fact]
    public async Task A_body_that_captures_is_refused_before_anything_runs()
    {
        var bytes = ByteSize.MiB;

        var act = () => Capped.RunAsync(() => Hold(bytes), cap: "128MiB", cancellation: Cancellation);

        await act.Should().ThrowAsync<ArgumentException>().WithMessage("the body uses variables*write static () => …*");
    }

    [Theory]
    [InlineData("much", null, "cap 'much' is not a size*")]
    [InlineData("16MiB", null, "cap 16MiB is too small*")]
    [InlineData("64MiB", "65MiB", "peakAnonymous 65MiB is above the cap of 64MiB*")]
    public async Task Sizes_that_cannot_be_are_refused(string cap, string? peakAnonymous, string message) =>
        await FluentActions.Awaiting(() => Capped.RunAsync(static () => { }, cap, peakAnonymous, cancellation: Cancellation))
            .Should().ThrowAsync<ArgumentException>().WithMessage(message);

    // Not ThrowAsync: it would turn the skip of a machine without cgroups into a failure.
    private static async Task<BudgetMissedException> Missing(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (BudgetMissedException e)
        {
            return e;
        }

        Assert.Fail("the budget was not missed");
        throw null!;
    }

    private static async Task LoadAsync(string path)
    {
        await Task.Yield();
        using var model = Loader.Load(path);
        if (model.Count == 0) throw new InvalidOperationException("nothing was loaded");
    }

    private static void HoldAgainAndAgain(long bytes, int times)
    {
        for (var i = 0; i < times; i++) Hold(bytes, milliseconds: 1);
    }

    /// <summary>Long enough to be seen from outside, unlike a peak that nobody keeps.</summary>
    private static unsafe void Hold(long bytes, int milliseconds = 50)
    {
        var memory = NativeMemory.Alloc((nuint)bytes);
        try
        {
            // SAFETY: exactly the bytes that were allocated above.
            NativeMemory.Fill(memory, (nuint)bytes, 1);
            Thread.Sleep(milliseconds);
        }
        finally
        {
            NativeMemory.Free(memory);
        }
    }
}
