using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Faults;

/// <summary>A device that is full at any of a load's allocations.</summary>
public sealed class AllocationFaultTests
{
    public static TheoryData<string, string, string> Loads => LoadCase.All;

    [Theory]
    [MemberData(nameof(Loads))]
    public void An_allocation_that_fails_anywhere_frees_everything_and_says_what_was_asked_for(string strategy, string device, string fixture)
    {
        using var load = new LoadCase(strategy, device, fixture);
        var all = CountAllocations(load);
        for (var n = 1; n <= all; n++)
        {
            var engine = new FailingEngine(n);
            using (var checkpoint = load.Open())
            {
                var error = FluentActions.Invoking(() => load.Load(checkpoint, engine)).Should().Throw<DeviceOutOfMemoryException>().Which;

                (error.Device, error.RequestedBytes, error.FreeBytes).Should().Be((engine.Refused!.Value.Device, engine.Refused.Value.Bytes, FailingEngine.FreeBytes));
                error.Message.Should().Be($"{error.Device} is out of memory: asked for {ByteSize.Format(error.RequestedBytes)}, 12.1 KiB free of 1 GiB");
                (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0), $"allocation {n} of {all} failed");
                using var again = load.Load(checkpoint, Engine.Create(EngineNames.Native));
            }
        }

        OpenInThisProcess.ShouldHaveNothingOf(load.Folder);
        load.ShouldLoad();
    }

    [Theory]
    [InlineData("eager")]
    [InlineData("streamed")]
    [InlineData("mmap-assign")]
    public void A_simulated_accelerator_is_full_at_every_capacity_below_the_peak_and_at_no_other(string strategy)
    {
        using var load = new LoadCase(strategy, "sim:1GiB", "tied.pth");
        var engine = Engine.Create(EngineNames.Native);
        using var checkpoint = load.Open();
        using (load.Load(checkpoint, engine))
        {
        }

        for (var capacityBytes = 1L; capacityBytes < engine.Accelerator.PeakBytes; capacityBytes++)
        {
            var full = Engine.Create(EngineNames.Native);
            var error = FluentActions.Invoking(() => Loader.Load(checkpoint, load.Options with { Device = Device.Sim(capacityBytes) }, full))
                .Should().Throw<DeviceOutOfMemoryException>().Which;

            error.FreeBytes.Should().BeLessThan(error.RequestedBytes);
            (full.Host.CurrentBytes, full.Accelerator.CurrentBytes, full.CounterOf(Device.Sim(capacityBytes)).CurrentBytes).Should().Be((0, 0, 0));
        }

        using var fits = Loader.Load(checkpoint, load.Options with { Device = Device.Sim(engine.Accelerator.PeakBytes) }, Engine.Create(EngineNames.Native));
    }

    [Fact]
    public void Memory_that_the_system_refuses_is_asked_for_free_and_total()
    {
        var engine = Engine.Create(EngineNames.Native);
        const long MoreThanAddresses = 1L << 60;

        var error = FluentActions.Invoking(() => engine.Allocate(Device.Cpu, MoreThanAddresses)).Should().Throw<DeviceOutOfMemoryException>().Which;

        error.Message.Should().MatchRegex(@"^cpu is out of memory: asked for \d+ TiB, [\d.]+ [KMGT]iB free of [\d.]+ [KMGT]iB$");
        engine.Host.CurrentBytes.Should().Be(0);
    }

    private static int CountAllocations(LoadCase load)
    {
        var engine = new FailingEngine();
        using var checkpoint = load.Open();
        using var model = load.Load(checkpoint, engine);
        return engine.Count;
    }
}
