using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.Unit.Strategies.Planning;

public class PlannerTests
{
    private const long MiB = ByteSize.MiB;

    // S = 1000 MiB, T = 100 MiB, R = 64 MiB.
    private static readonly LoadSizes Sizes = new(1000 * MiB, 100 * MiB, 64 * MiB);
    private static readonly Device Sim = Device.Sim(4096 * MiB);
    private static readonly WorkerMemory Worker = WorkerMemory.Of(EngineNames.Native);

    [Fact]
    public void A_peak_is_the_engines_count_and_the_workers_own_memory()
    {
        var plan = Plan(Sim, ramMib: 8192);

        plan.Strategies.Select(s => s.Strategy).Should().Equal(StrategyCatalog.All.Select(s => s.Name).Where(n => n != "auto"));
        foreach (var planned in plan.Strategies)
        {
            var peak = StrategyCatalog.Find(planned.Strategy).Peak(Sizes, Sim);
            (planned.HostBytes, planned.DeviceBytes, planned.Fits).Should().Be((peak.HostBytes + Worker.OwnBytes, peak.DeviceBytes, true));
        }
    }

    [Theory]
    [InlineData(1000, 0)]
    [InlineData(91_000, 90_000)]
    public void Tensors_beyond_those_of_most_models_take_their_descriptions(int tensors, int counted)
    {
        foreach (var planned in Planner.Plan(Sizes with { Tensors = tensors }, Sim, new MemoryLimits(8192 * MiB, 4096 * MiB)).Strategies)
        {
            var strategy = StrategyCatalog.Find(planned.Strategy);
            planned.HostBytes.Should().Be(strategy.Peak(Sizes, Sim).HostBytes + Worker.OwnBytes + counted * (long)strategy.BytesPerTensor);
            strategy.BytesPerTensor.Should().BeInRange(1536, 9216);
        }
    }

    [Theory]
    [InlineData(0, true, "leaves 6.2 MiB of RAM, 3096 MiB on the device")]
    [InlineData(-1, false, "needs 1 B more RAM")]
    public void What_fits_is_decided_to_the_byte(long moreBytes, bool fits, string why)
    {
        var ramBytes = Worker.CapFor(100 * MiB + Worker.OwnBytes) + moreBytes;

        var planned = Planner.Plan(Sizes, Sim, new MemoryLimits(ramBytes, 4096 * MiB)).Strategies.Single(s => s.Strategy == "meta-assign");

        (planned.Fits, planned.Why).Should().Be((fits, why));
    }

    [Theory]
    [InlineData(7, 32)]
    [InlineData(512, 519)]
    [InlineData(5120, 5136)]
    public void A_cap_has_room_for_the_runtime_and_for_page_tables(long hostMib, long capMib) =>
        Worker.CapFor(hostMib * MiB).Should().Be(capMib * MiB);

    [Fact]
    public void The_engine_libtorch_needs_room_for_its_own_memory_and_code()
    {
        var plan = Planner.Plan(Sizes, Device.Cpu, new MemoryLimits(96 * MiB, 0), WorkerMemory.Of(EngineNames.Libtorch));

        plan.Strategies.Single(s => s.Strategy == "meta-assign").HostBytes.Should().Be(1065 * MiB);
        plan.Choice.Should().Be("mmap-assign");
        Planner.Plan(Sizes, Device.Cpu, new MemoryLimits(95 * MiB, 0), WorkerMemory.Of(EngineNames.Libtorch)).Choice.Should().BeNull();
    }

    [Theory]
    [InlineData(32 * MiB)]
    [InlineData(512 * MiB)]
    [InlineData(512 * MiB + 511)]
    [InlineData(6 * MiB + 513 * 100_000 + 512)]
    [InlineData(24L << 30)]
    public void What_has_room_under_a_cap_fits_to_the_byte_and_not_one_more(long capBytes)
    {
        var room = Worker.RoomUnder(capBytes);

        Worker.CapFor(room + Worker.OwnBytes).Should().BeLessThanOrEqualTo(capBytes);
        Worker.CapFor(room + 1 + Worker.OwnBytes).Should().BeGreaterThan(capBytes);
        Worker.RoomUnder(32 * MiB - 1).Should().Be(0);
    }

    [Fact]
    public void What_is_missing_is_said_for_RAM_and_device()
    {
        var eager = Plan(Device.Sim(1500 * MiB), ramMib: 600).Strategies.Single(s => s.Strategy == "eager");

        eager.Should().Be(new PlannedStrategy("eager", 1007 * MiB, 2000 * MiB, false, "needs 415 MiB more RAM, and 500 MiB more on the device"));
    }

    [Fact]
    public void Below_the_floor_of_the_workers_runtime_nothing_fits()
    {
        var plan = Plan(Device.Cpu, ramMib: 31);

        plan.Choice.Should().BeNull();
        plan.Strategies.Single(s => s.Strategy == "mmap-assign").Why.Should().Be("needs 1 MiB more RAM");
    }

    [Theory]
    [InlineData("cpu", 8192, "mmap-assign")]
    [InlineData("sim:4GiB", 8192, "mmap-assign")]
    [InlineData("sim:4GiB", 33, "mmap-assign")]
    [InlineData("sim:512MiB", 8192, null)]
    public void The_fastest_that_fits_is_chosen_and_of_those_as_fast_the_smallest(string device, long ramMib, string? choice) =>
        Plan(Device.Parse(device), ramMib).Choice.Should().Be(choice);

    [Theory]
    [InlineData("cpu", 8192, "meta-assign")]
    [InlineData("sim:4GiB", 8192, "streamed")]
    [InlineData("cpu", 900, null)]
    public void A_compressed_checkpoint_cannot_be_mapped(string device, long ramMib, string? choice)
    {
        var target = Device.Parse(device);

        var plan = Planner.Plan(Sizes with { IsMappable = false }, target, new MemoryLimits(ramMib * MiB, target.CapacityBytes));

        plan.Choice.Should().Be(choice);
        plan.Strategies.Single(s => s.Strategy == "mmap-assign").Should().Match<PlannedStrategy>(
            s => !s.Fits && s.Why == "the checkpoint is compressed and cannot be mapped");
    }

    [Theory]
    [InlineData("odd/deflated.pth", false)]
    [InlineData("gpt2-tiny.pth", true)]
    [InlineData("scalar-and-empty.pth", true)]
    public void Whether_it_can_be_mapped_is_read_off_the_file(string fixture, bool fits)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));

        Planner.Plan(checkpoint, new LoadOptions()).Strategies.Single(s => s.Strategy == "mmap-assign").Fits.Should().Be(fits);
    }

    [Fact]
    public void The_limits_are_those_of_this_process_unless_others_are_given()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));

        Planner.Plan(checkpoint, new LoadOptions { Device = Sim }).Limits
            .Should().Be(new MemoryLimits(Loadline.Gauges.MemoryLimit.Effective(), Sim.CapacityBytes));
    }

    private static LoadPlan Plan(Device device, long ramMib) => Planner.Plan(Sizes, device, new MemoryLimits(ramMib * MiB, device.CapacityBytes));
}
