using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using static Loadline.Unit.Harness.Runs.FakeCase;

namespace Loadline.Unit.Harness.Runs;

/// <summary>What the worker is started with, and what it sees of the disk.</summary>
public class WorkerCommandTests
{
    [Fact]
    public async Task The_worker_is_told_how_often_and_how_weights_are_used()
    {
        var runtime = new FakeRuntime(_ => FakeEnd.Used(9, 1, 0));

        await new CaseRunner(runtime).RunAsync(Case with { Passes = 2, Use = "forward", Heads = 4 }, "/w.pth", null, TestContext.Current.CancellationToken);

        string.Join(' ', runtime.Specs.Single().Command).Should().EndWith("--passes 2 --use forward --heads 4");
    }

    [Fact]
    public async Task The_worker_gets_the_case_as_its_arguments()
    {
        var runtime = new FakeRuntime(_ => FakeEnd.Loaded(9));
        var streamed = Case with { Strategy = "streamed", Device = "sim:4GiB", Engine = "native", RingBytes = 16 * ByteSize.MiB, Verify = "digest", Timeout = TimeSpan.FromSeconds(9) };

        await new CaseRunner(runtime).RunAsync(streamed, "/nowhere/w.pth", null, TestContext.Current.CancellationToken);

        var spec = runtime.Specs.Single();
        string.Join(' ', spec.Command).Should().Be(
            $"{ContainerSpec.Worker} /nowhere/w.pth --strategy streamed --device sim:4GiB --engine native --verify digest --ring 16MiB");
        spec.Should().BeEquivalentTo(new { CapBytes = ByteSize.GiB, Timeout = TimeSpan.FromSeconds(9), Mounts = new[] { "/nowhere/w.pth" } });
    }

    [Fact]
    public async Task The_worker_is_told_how_to_compute()
    {
        var runtime = new FakeRuntime(_ => FakeEnd.Loaded(9));

        await new CaseRunner(runtime).RunAsync(
            Case with { Verify = "forward", Heads = 4, ResidentBytes = 448 * ByteSize.MiB }, "/w.pth", null, TestContext.Current.CancellationToken);

        string.Join(' ', runtime.Specs.Single().Command).Should().EndWith("--verify forward --heads 4 --resident 448MiB");
    }

    [Fact]
    public async Task Digests_and_logits_beside_the_checkpoint_are_mounted_too()
    {
        using var folder = new TemporaryFolder();
        var runtime = new FakeRuntime(_ => FakeEnd.Loaded(9));
        foreach (var name in new[] { "w.pth", "w.pth.digests.json", "expected.json", "w.logits.json", "other.pth" }) File.WriteAllText(folder[name], "");

        await new CaseRunner(runtime).RunAsync(Case, folder["w.pth"], null, TestContext.Current.CancellationToken);

        runtime.Specs.Single().Mounts.Should().Equal(folder["w.pth"], folder["w.pth.digests.json"], folder["expected.json"], folder["w.logits.json"]);
    }
}
