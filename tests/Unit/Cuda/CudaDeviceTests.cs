using Loadline.Cuda;

namespace Loadline.Unit.Cuda;

public class CudaDeviceTests
{
    [Fact]
    public void A_device_says_what_it_is_and_what_it_has()
    {
        var driver = new InMemoryDriver { Devices = 2, TotalBytes = 64_000_000 };
        var device = CudaDevice.Open(driver, 1);

        device.Describe().Should().Be("In Memory, compute capability 9.0, driver for CUDA 12.6");
        device.Memory().Should().Be(new DeviceMemory(59_000_000, 64_000_000));
        device.ToString().Should().Be("cuda:1");

        device.Release();
        driver.Held.Should().BeEquivalentTo(InMemoryDriver.Nothing);
    }

    [Theory]
    [InlineData(0, 0, "cuda:0: the driver shows no GPU: *docker run --gpus all*")]
    [InlineData(1, 1, "cuda:1: there is 1 GPU: use cuda:0")]
    [InlineData(4, 4, "cuda:4: there are 4 GPUs: use cuda:0 to cuda:3")]
    public void A_device_that_is_not_there_is_refused_with_those_that_are(int devices, int index, string message)
    {
        var open = () => CudaDevice.Open(new InMemoryDriver { Devices = devices }, index);

        open.Should().Throw<CudaUnavailableException>().WithMessage(message);
    }

    [Fact]
    public void A_driver_that_is_too_old_is_refused_with_what_it_is_and_what_is_needed()
    {
        var open = () => CudaDevice.Open(new InMemoryDriver { Version = 10_020 }, 0);

        open.Should().Throw<CudaUnavailableException>().WithMessage("cuda:0: the driver is for CUDA 10.2, and CUDA 11.0 is the least: install driver 450 or newer");
    }

    [Fact]
    public void A_device_that_allows_no_context_is_refused_with_what_to_do()
    {
        var open = () => CudaDevice.Open(new InMemoryDriver { ComputeMode = 2 }, 0);

        open.Should().Throw<CudaUnavailableException>().WithMessage("cuda:0: its compute mode allows no context: set another one with nvidia-smi --compute-mode=0");
    }

    [Fact]
    public void A_driver_that_does_not_start_says_so_in_its_own_words()
    {
        var open = () => CudaDevice.Open(new InMemoryDriver { FailingCall = 0 }, 0);

        open.Should().Throw<CudaUnavailableException>().WithMessage("cuda:0: cuInit failed: CUDA_ERROR_LAUNCH_FAILED (unspecified launch failure): see what nvidia-smi says*");
    }

    [Fact]
    public void Without_a_driver_the_message_says_what_to_install()
    {
        // Where there is a driver, the worker's tests with LD_LIBRARY_PATH show that it is used.
        if (File.Exists("/dev/nvidiactl")) Assert.Skip("this machine has a driver");

        var open = () => CudaDevice.Open(LibCuda.Instance, 0);

        open.Should().Throw<CudaUnavailableException>().WithMessage("cuda:0: there is no libcuda.so.1: install NVIDIA's driver; *");
    }

    [Fact]
    public void An_error_that_the_driver_has_no_name_for_keeps_its_number()
    {
        var device = CudaDevice.Open(new InMemoryDriver { Failure = (CudaResult)4242, FailingCall = 7 }, 0);

        device.Invoking(d => d.Memory()).Should().Throw<CudaException>().Where(e => e.Call == "cuMemGetInfo" && e.Code == 4242)
            .WithMessage("cuda:0: cuMemGetInfo failed: CUDA error 4242 (no text): look at nvidia-smi and the kernel's log");
    }

    [Fact]
    public void A_thread_is_left_with_the_context_that_it_had()
    {
        var driver = new InMemoryDriver { Devices = 2 };
        var (first, second) = (CudaDevice.Open(driver, 0), CudaDevice.Open(driver, 1));
        driver.CtxPushCurrent(100);

        second.TryAllocate(1000, out var address).Should().BeTrue();
        second.Free(address);

        driver.CtxPopCurrent(out _).Should().Be(CudaResult.Success);
        driver.CallsOf("cuCtxPushCurrent").Should().Be(driver.CallsOf("cuCtxPopCurrent"));
        driver.Broken.Should().BeEmpty();
        first.Release();
        second.Release();
    }

    [Fact]
    public void What_cannot_be_given_back_is_found_out_when_somebody_asks()
    {
        var driver = new InMemoryDriver { FailingCall = 10 };
        var device = CudaDevice.Open(driver, 0);
        device.TryAllocate(1000, out var address);

        device.Free(address);

        driver.Failed.Should().Be("cuMemFree");
        device.Invoking(d => d.ThrowIfReleaseFailed()).Should().Throw<CudaException>().Which.Call.Should().Be("cuMemFree");
        device.Invoking(d => d.ThrowIfReleaseFailed()).Should().NotThrow("it was said once");
        device.Release();
    }
}
