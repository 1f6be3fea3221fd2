using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;

namespace Loadline.Unit.Harness.Runtimes.Cgroups;

public sealed class CgroupStartTests : IDisposable
{
    private readonly StandInNvidia _driver = StandInNvidia.WithTwoGpus();

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData(0, null, "")]
    [InlineData(1, null, "0")]
    [InlineData(2, null, "0,1")]
    [InlineData(1, "5,3", "5")]
    [InlineData(2, "GPU-5a, GPU-7f", "GPU-5a,GPU-7f")]
    [InlineData(0, "5,3", "")]
    public void A_run_sees_as_many_GPUs_as_it_asks_for_of_those_that_the_harness_sees(int gpus, string? own, string visible) =>
        CgroupStart.Visible(_driver.Read, gpus, own).Should().Be(visible);

    [Fact]
    public void More_GPUs_than_the_driver_shows_or_than_a_scheduler_leaves_are_refused()
    {
        var three = () => CgroupStart.Visible(_driver.Read, 3, null);
        var two = () => CgroupStart.Visible(_driver.Read, 2, "1");
        var one = () => CgroupStart.Visible(new Nvidia("/no"), 1, null);

        three.Should().Throw<RuntimeException>().WithMessage("cgroup: 3 GPUs are asked for, and the driver shows 2");
        two.Should().Throw<RuntimeException>().WithMessage("cgroup: 2 GPUs are asked for, and CUDA_VISIBLE_DEVICES=1 shows 1");
        one.Should().Throw<RuntimeException>().WithMessage("cgroup: there is no NVIDIA GPU here (no /dev/nvidia0): install its driver");
    }
}
