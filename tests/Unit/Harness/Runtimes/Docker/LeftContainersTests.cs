using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

/// <summary>What a harness that is gone has left with an Engine, and what only looks like that.</summary>
public sealed class LeftContainersTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Containers_of_a_harness_that_is_gone_are_swept_and_no_others()
    {
        var gone = Owner.Self with { StartTicks = 1 };
        var elsewhere = Owner.Self with { Boot = "another" };
        var run = Guid.NewGuid().ToString("N");
        await using var engine = new StandInEngine
        {
            Containers = $$$"""
                [{"Id":"gone","Names":["/loadline-{{{run}}}-1"],"Labels":{"loadline.run":"{{{run}}}","loadline.owner":"{{{gone}}}","loadline.until":"99999999999"}},
                 {"Id":"ours","Names":["/loadline-{{{run}}}-1"],"Labels":{"loadline.run":"{{{run}}}","loadline.owner":"{{{Owner.Self}}}","loadline.until":"1"}},
                 {"Id":"elsewhere-late","Names":["loadline-{{{run}}}-12"],"Labels":{"loadline.run":"{{{run}}}","loadline.owner":"{{{elsewhere}}}","loadline.until":"1"}},
                 {"Id":"elsewhere-busy","Names":["/loadline-{{{run}}}-1"],"Labels":{"loadline.run":"{{{run}}}","loadline.owner":"{{{elsewhere}}}","loadline.until":"99999999999"}},
                 {"Id":"of-an-image-with-our-labels","Names":["/somebodys"],"Labels":{"loadline.run":"{{{run}}}","loadline.owner":"{{{gone}}}","loadline.until":"1"}},
                 {"Id":"of-an-image-that-guesses-a-name","Names":["/loadline-worker-1"],"Labels":{"loadline.run":"worker","loadline.owner":"{{{gone}}}","loadline.until":"1"}},
                 {"Id":"with-another-name","Names":["/loadline-{{{run}}}-db"],"Labels":{"loadline.run":"{{{run}}}","loadline.owner":"{{{gone}}}","loadline.until":"1"}},
                 {"Id":"of-no-owner","Names":["/loadline-{{{run}}}-1"],"Labels":{"loadline.run":"{{{run}}}","loadline.owner":"x","loadline.until":"1"}},
                 {"Id":"without-a-run","Names":["/loadline-{{{run}}}-2"],"Labels":{"loadline.owner":"{{{gone}}}","loadline.until":"1"}}]
                """,
        };
        await using var runtime = await DockerRuntime.ConnectAsync("/bin/sh", engine.Address, Cancellation);

        engine.Requests.Where(request => request.StartsWith("DELETE", StringComparison.Ordinal)).Select(request => request.Split('?')[0]).Should().BeEquivalentTo(
            "DELETE /v1.41/containers/gone", "DELETE /v1.41/containers/elsewhere-late");
    }

    [Fact]
    public async Task What_cannot_be_removed_keeps_nobody_from_working_nor_what_can_be_from_its_end()
    {
        var asked = new List<string>();
        await LeftContainers.SweepAsync(["a", "b", "c"], (id, _) =>
        {
            asked.Add(id);
            return id == "b" ? Task.FromException(new RuntimeException("docker: the Engine did not answer within 60 s")) : Task.CompletedTask;
        }, Cancellation);
        asked.Should().BeEquivalentTo("a", "b", "c");

        using var interrupted = new CancellationTokenSource();
        var sweep = LeftContainers.SweepAsync(["a"], (_, limited) => Task.Delay(Timeout.Infinite, limited), interrupted.Token);
        await interrupted.CancelAsync();
        await FluentActions.Awaiting(() => sweep).Should().ThrowAsync<OperationCanceledException>();
    }
}
