using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Unit.Cuda.StandIn;

namespace Loadline.Unit.Worker;

/// <summary>The published worker with a libcuda.so.1 of its own: its declarations of the driver's functions are the real ones.</summary>
public sealed class CudaWorkerTests : IDisposable
{
    private readonly StandInDriver _driver = StandInDriver.Build();

    public static TheoryData<string> Strategies => [.. StrategyCatalog.All.Select(s => s.Name)];

    public void Dispose() => _driver.Dispose();

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Every_strategy_loads_onto_a_GPU_and_reads_its_weights_back(string strategy)
    {
        var (exitCode, events) = Run("gpt2-tiny.pth", "--strategy", strategy, "--verify", "digest");

        exitCode.Should().Be(ExitCodes.Loaded, events[^1].ToString());
        events[^1].Should().Be(new VerifiedEvent(56, 110_112, "the recorded digests"));
        events[0].Should().BeOfType<StartEvent>().Which.Engine.Should().Be("native (cuda:0: Stand-in, compute capability 9.0, driver for CUDA 12.6)");
        var report = events.OfType<LoadReport>().Single();
        (report.Device, report.WeightBytes).Should().Be(("cuda:0", 110_112));
        report.DriverDeviceBytes.Should().BeInRange(report.DeviceBytes, report.DeviceBytes + 56 * 512, "this driver rounds nothing, and in a block tensors begin at multiples of 512 bytes");
        report.DriverBaselineBytes.Should().Be(16 * ByteSize.MiB, "the context is there before the load is measured");
    }

    [Fact]
    public void A_model_larger_than_the_ring_takes_the_ring_and_no_more()
    {
        using var folder = new TemporaryFolder();
        var path = folder["large.safetensors"];
        using (var checkpoint = LargeCheckpoint.Create(path, tensors: 6, mebibytesEach: 16)) checkpoint.Entries.Should().HaveCount(6);

        var (exitCode, events) = Run(path, "--strategy", "streamed", "--ring", "8MiB", "--readers", "4", "--verify", "digest");

        exitCode.Should().Be(ExitCodes.Loaded, events[^1].ToString());
        var report = events.OfType<LoadReport>().Single();
        (report.HostBytes, report.DeviceBytes).Should().Be((8 * ByteSize.MiB, 96 * ByteSize.MiB));
        (report.PeakAnonymousBytes - report.BaselineAnonymousBytes).Should().BeInRange(8 * ByteSize.MiB, 16 * ByteSize.MiB);
    }

    [Fact]
    public void Mapped_weights_take_no_memory_of_the_hosts()
    {
        using var folder = new TemporaryFolder();
        var path = folder["large.safetensors"];
        using (LargeCheckpoint.Create(path, tensors: 6, mebibytesEach: 16))
        {
        }

        var (exitCode, events) = Run(path, "--strategy", "mmap-assign", "--readers", "2", "--verify", "digest");

        exitCode.Should().Be(ExitCodes.Loaded, events[^1].ToString());
        var report = events.OfType<LoadReport>().Single();
        (report.HostBytes, report.DeviceBytes).Should().Be((0, 96 * ByteSize.MiB));
        (report.PeakAnonymousBytes - report.BaselineAnonymousBytes).Should().BeLessThan(8 * ByteSize.MiB);
    }

    [Theory]
    [InlineData("STANDIN_DEVICES", "0", ExitCodes.Refused, "cuda:0: the driver shows no GPU: *")]
    [InlineData("STANDIN_VERSION", "10020", ExitCodes.Refused, "cuda:0: the driver is for CUDA 10.2, *")]
    [InlineData("STANDIN_BYTES", "16800000", ExitCodes.DeviceOutOfMemory, "cuda:0 is out of memory: asked for *, * free of 16.0 MiB")]
    [InlineData("STANDIN_FAILS", "cuMemHostRegister_v2", ExitCodes.Infrastructure, "*cuda:0: cuMemHostRegister failed: CUDA_ERROR_LAUNCH_FAILED (unspecified launch failure): there may be too little memory that can be pinned: *")]
    [InlineData("STANDIN_FAILS", "cuEventDestroy_v2", ExitCodes.Infrastructure, "*cuda:0: cuEventDestroy failed: *")]
    public void What_goes_wrong_is_one_line_and_an_exit_code(string variable, string value, int expected, string message)
    {
        var (exitCode, events) = Run("gpt2-tiny.pth", (variable, value), "--strategy", "streamed");

        exitCode.Should().Be(expected);
        events[^1].Should().BeOfType<FailedEvent>().Which.Message.Should().Match(message).And.NotContain("\n");
    }

    [Fact]
    public void A_copy_that_fails_is_found_out_when_its_slot_is_filled_again()
    {
        using var folder = new TemporaryFolder();
        var path = folder["large.safetensors"];
        using (LargeCheckpoint.Create(path, tensors: 4, mebibytesEach: 1))
        {
        }

        var (exitCode, events) = Run(path, ("STANDIN_FAILS", "cuEventSynchronize"), "--strategy", "streamed", "--ring", "2MiB");

        exitCode.Should().Be(ExitCodes.Infrastructure);
        events[^1].Should().BeOfType<FailedEvent>().Which.Message.Should().Match("*cuda:0: cuEventSynchronize failed: *").And.NotContain("\n");
    }

    [Fact]
    public void A_GPU_that_is_not_there_is_refused_with_those_that_are()
    {
        var (exitCode, events) = WorkerProcess.Run(_driver.Variables, Fixtures.Path("gpt2-tiny.pth"), "--strategy", "streamed", "--device", "cuda:3");

        exitCode.Should().Be(ExitCodes.Refused);
        events[^1].Should().BeEquivalentTo(new FailedEvent("refused", "cuda:3: there is 1 GPU: use cuda:0"));
    }

    [Theory]
    [InlineData("""{"event":"failed","kind":"refused","message":"forged"}""")]
    [InlineData("driver: ready, without the end of a line ")]
    public void What_a_library_prints_is_no_line_of_the_workers_and_runs_into_none(string printed)
    {
        var (exitCode, events) = Run("gpt2-tiny.pth", ("STANDIN_PRINTS", printed), "--strategy", "streamed", "--verify", "digest");

        exitCode.Should().Be(ExitCodes.Loaded);
        events[0].Should().BeOfType<StartEvent>();
        events.Should().NotContain(e => e is FailedEvent).And.ContainSingle(e => e is LoadReport);
        events[^1].Should().BeOfType<VerifiedEvent>();
    }

    private (int ExitCode, List<WorkerEvent> Events) Run(string checkpoint, params string[] arguments) => Run(checkpoint, ("STANDIN_DEVICES", "1"), arguments);

    private (int ExitCode, List<WorkerEvent> Events) Run(string checkpoint, (string Name, string Value) variable, params string[] arguments)
    {
        var variables = _driver.Variables;
        variables[variable.Name] = variable.Value;
        return WorkerProcess.Run(variables, [Path.IsPathRooted(checkpoint) ? checkpoint : Fixtures.Path(checkpoint), "--device", "cuda:0", .. arguments]);
    }
}
