using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Runtimes;

/// <summary>Readers whose pipes somebody holds open, or who hand on a line that nobody takes.</summary>
public sealed class BrokenOutputTests
{
    [Fact]
    public async Task Readers_of_what_nobody_wants_any_more_are_not_waited_for_as_long_as_others()
    {
        using var interrupted = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var ended = BrokenOutput.EndsAsync(new TaskCompletionSource().Task, TimeSpan.FromDays(1), () => [], interrupted.Token);

        await interrupted.CancelAsync();

        await FluentActions.Awaiting(() => ended).Should().ThrowAsync<TimeoutException>();
    }

    [Fact]
    public async Task What_ends_well_ends_well_whether_it_is_wanted_or_not()
    {
        await BrokenOutput.EndsAsync(Task.CompletedTask, TimeSpan.FromDays(1), () => [], new CancellationToken(canceled: true));

        var fails = () => BrokenOutput.EndsAsync(Task.FromException(new IOException("full")), TimeSpan.FromDays(1), () => [], CancellationToken.None);
        await fails.Should().ThrowAsync<IOException>();
    }
}
