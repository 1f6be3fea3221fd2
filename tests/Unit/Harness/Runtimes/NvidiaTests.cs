namespace Loadline.Unit.Harness.Runtimes;

public sealed class NvidiaTests : IDisposable
{
    private readonly StandInNvidia _driver = StandInNvidia.WithTwoGpus();

    public void Dispose() => _driver.Dispose();

    [Fact]
    public void The_driver_its_version_and_its_GPUs_are_read()
    {
        var nvidia = _driver.Read;

        (nvidia.Gpu, nvidia.Driver, nvidia.Gpus).Should().Be(("NVIDIA A10G", "580.95.05", 2));
    }

    [Fact]
    public void A_machine_without_a_driver_has_no_GPU_and_says_what_to_do()
    {
        using var empty = new StandInNvidia();

        (empty.Read.Gpu, empty.Read.Driver, empty.Read.Gpus).Should().Be((null, null, 0));
        empty.Read.WhyNot(1).Should().Be("there is no NVIDIA GPU here (no /dev/nvidia0): install its driver");
    }

    [Fact]
    public void A_sandbox_that_shows_the_devices_alone_has_GPUs_of_an_unknown_model()
    {
        using var sandbox = new StandInNvidia();
        sandbox.Add("dev/nvidia0", "");
        sandbox.Add("dev/nvidiactl", "");

        (sandbox.Read.Gpu, sandbox.Read.Driver, sandbox.Read.Gpus).Should().Be(("NVIDIA", null, 1));
    }

    [Fact]
    public void No_more_GPUs_can_be_had_than_there_are()
    {
        _driver.Read.WhyNot(2).Should().BeNull();
        _driver.Read.WhyNot(3).Should().Be("3 GPUs are asked for, and the driver shows 2");
    }

    [Fact]
    public void Under_WSL_one_device_stands_for_all_GPUs()
    {
        using var wsl = new StandInNvidia();
        wsl.Add("dev/dxg", "");

        wsl.Read.WhyNot(1).Should().BeNull();
    }
}
