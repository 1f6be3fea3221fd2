using Loadline.Harness.Budgets;
using Loadline.Harness.Results;

namespace Loadline.Constrained.Podman;

/// <summary>
/// What tests/podman.sh left in the folder that LOADLINE_PODMAN names: the same cases run by a runtime of the harness, and collected from pods that
/// `podman kube play` ran.
/// </summary>
[Trait("Category", "Podman")]
public sealed class PodsTests
{
    private const long MostApartBytes = ByteSize.MiB;

    [Fact]
    public void Of_the_eight_pods_each_ended_as_its_case_does_in_a_container_of_the_harness()
    {
        var (run, pods) = (Read("run.json"), Read("pods-results.json"));

        pods.ToDictionary(c => c.Name, c => c.Outcome).Should().Equal(run.ToDictionary(c => c.Name, c => c.Outcome));
        pods.CountBy(c => c.Outcome).Should().BeEquivalentTo(new Dictionary<Outcome, int>
        {
            [Outcome.Killed] = 1,
            [Outcome.DeviceOom] = 1,
            [Outcome.Refused] = 1,
            [Outcome.Timeout] = 1,
            [Outcome.Loaded] = 4,
        });
        pods.Where(c => !c.Pass).Should().ContainSingle().Which.Outcome.Should().Be(Outcome.Timeout);
    }

    [Fact]
    public void Peaks_of_a_pod_lie_within_1_MiB_of_those_in_a_container_of_the_harness()
    {
        var pods = Read("pods-results.json").ToDictionary(c => c.Name);

        // Where a load stood when it was ended from outside is where a sample found it, and no peak.
        foreach (var run in Read("run.json").Where(c => c.Outcome is not (Outcome.Killed or Outcome.Timeout)))
        {
            var pod = pods[run.Name];
            (pod.PeakAnonymousBytes ?? 0).Should().BeCloseTo(run.PeakAnonymousBytes!.Value, (ulong)MostApartBytes, "of '{0}'", run.Name);
            (pod.HostBytes, pod.DeviceBytes).Should().Be((run.HostBytes, run.DeviceBytes), "the engine counts the same in '{0}'", run.Name);
        }
    }

    [Fact]
    public void The_page_has_every_pod()
    {
        var page = File.ReadAllText(PathOf("pods.html"));

        page.Should().ContainAll(Read("pods-results.json").Select(c => c.Name));
    }

    private static IReadOnlyList<CaseResult> Read(string file) => ResultFile.ReadWhole(PathOf(file)).Cases;

    private static string PathOf(string file)
    {
        var folder = Environment.GetEnvironmentVariable("LOADLINE_PODMAN");
        Assert.SkipWhen(folder is null, "tests/podman.sh runs the pods, and then these tests");
        return Path.Combine(folder!, file);
    }
}
