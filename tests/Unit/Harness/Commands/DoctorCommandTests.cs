using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Commands;

public sealed class DoctorCommandTests : IDisposable
{
    private readonly FakeHarness _loadline = new();

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task What_is_there_is_named()
    {
        (await _loadline.RunAsync("doctor")).Should().Be(0);

        _loadline.Out.Should().Contain("ok  runtime docker  fake 1.0, cgroup v2\n").And.Contain("ok  worker          /worker\n")
            .And.Contain("of which this process can have 1 GiB").And.EndWith("loadline run works here\n");
    }

    [Fact]
    public async Task A_GPU_is_named_and_a_runtime_that_cannot_pass_it_in_says_why()
    {
        using var driver = StandInNvidia.WithTwoGpus();
        using var loadline = new FakeHarness(spec => spec.Gpus == 0 ? FakeEnd.Loaded(9) : throw new NoGpuException("fake: install nvidia-container-toolkit")) { Nvidia = driver.Read };

        await loadline.RunAsync("doctor");

        loadline.Out.Should().MatchRegex("(ok|--)  GPU             2 GPUs, the first: NVIDIA A10G, driver 580.95.05")
            .And.Contain("ok  runtime docker  fake 1.0, cgroup v2; not for GPUs: fake: install nvidia-container-toolkit\n");
    }

    [Fact]
    public async Task What_is_missing_is_named_with_the_reason_and_is_exit_code_3()
    {
        _loadline.NoRuntime = "no socket: install docker.io";

        (await _loadline.RunAsync("doctor")).Should().Be(3);

        _loadline.Out.Should().Contain("--  runtime cgroup  no socket: install docker.io\n").And.EndWith("loadline run cannot work here: a runtime is missing\n");
    }
}
