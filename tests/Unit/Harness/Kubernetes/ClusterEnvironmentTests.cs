using Loadline.Harness;
using Loadline.Harness.Kubernetes.Pods;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Kubernetes;

public class ClusterEnvironmentTests
{
    private static readonly StartEvent Start = new("6.8", 2, 1L << 30, true, 2 << 20) { Cores = 16, RamBytes = 64L << 30 };

    [Fact]
    public void Nodes_of_several_kinds_are_named_and_the_least_of_them_counts() =>
        Of(Start, Start with { Kernel = "6.1", Cores = 8, RamBytes = 32L << 30 }).Should().Be(
            new RunEnvironment("6.1 and 6.8", 2, "kubernetes, cgroup v2", "native", null, null, 8, 32L << 30));

    [Fact]
    public void The_GPU_is_the_one_that_the_engine_found() =>
        Of(Start, Start with { Engine = "native (cuda:0: NVIDIA H200, compute capability 9.0, driver for CUDA 13.0; cuda:1: NVIDIA H200, compute capability 9.0, driver for CUDA 13.0)" })
            .Gpu.Should().Be("NVIDIA H200");

    [Fact]
    public void Figures_of_both_versions_of_cgroup_are_not_of_one_run() =>
        FluentActions.Invoking(() => Of(Start, Start with { CgroupVersion = 1 })).Should().Throw<InputException>().WithMessage("its pods ran under cgroup v1 and v2, *");

    [Fact]
    public void Where_no_worker_told_anything_nothing_is_known() => Of().Should().Be(new RunEnvironment("unknown", 0, "kubernetes", "native", null, null, 0, 0));

    private static RunEnvironment Of(params StartEvent[] starts) => ClusterEnvironment.Of(starts.Select(start => new Observation { Start = start }), []);
}
