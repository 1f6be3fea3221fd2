using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Strategies;

/// <summary>Options that make no sense are an <see cref="ArgumentException"/> before anything is read, by whichever strategy.</summary>
public class OptionRulesTests
{
    public static TheoryData<string, string> Devices =>
        new(from strategy in StrategyCatalog.All.Select(s => s.Name)
            from device in (string[])["meta", "disk", "sim of -1", "sim of 0", "cuda:-1", "cpu of 4", "cpu:1", "cuda of 4", "17"]
            select (strategy, device));

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_device_that_nothing_can_be_loaded_onto(string strategy, string device)
    {
        Device onto = device switch
        {
            "meta" => Device.Meta,
            "disk" => Device.Disk,
            "sim of -1" => Device.Sim(-1),
            "sim of 0" => Device.Sim(0),
            "cuda:-1" => Device.Cuda(-1),
            "cpu of 4" => Device.Cpu with { CapacityBytes = 4 },
            "cpu:1" => Device.Cpu with { Index = 1 },
            "cuda of 4" => Device.Cuda(0) with { CapacityBytes = 4 },
            _ => new Device((DeviceKind)17),
        };

        Refusal(new LoadOptions { Strategy = strategy, Device = onto }).Should().NotBeEmpty();
    }

    [Fact]
    public void Devices_of_a_map_are_held_to_the_same()
    {
        foreach (var device in (Device[])[Device.Meta, Device.Cuda(-1), Device.Cpu with { Index = 1 }])
            Refusal(new LoadOptions { Strategy = "device-map", DeviceMap = new DeviceMapOptions { Devices = DeviceList.Of(device) } }).Should().NotBeEmpty();
    }

    [Fact]
    public void Disk_says_how_weights_stay_there() =>
        Refusal(new LoadOptions { Device = Device.Disk }).Should().Be("disk is no device to load onto: weights stay on the disk by DeviceMap of device-map, or mapped by mmap-assign on the CPU");

    [Theory]
    [InlineData(0)]
    [InlineData(1025)]
    [InlineData(int.MaxValue)]
    public void Readers_that_no_machine_has(int count) => Refusal(new LoadOptions { Readers = count }).Should().Contain($"{count}");

    [Fact]
    public void Nulls_and_members_that_there_are_not()
    {
        LoadOptions[] wrong =
        [
            new() { Strategy = null! },
            new() { Device = null! },
            new() { Engine = null! },
            new() { Names = null! },
            new() { Reads = (ReadMode)17 },
        ];

        foreach (var options in wrong)
        {
            Refusal(options).Should().NotBeEmpty();
            using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.safetensors"));
            FluentActions.Invoking(() => Planner.Plan(checkpoint, options)).Should().Throw<ArgumentException>();
        }
    }

    [Theory]
    [InlineData(0, "a ring of 0 B is too small: give it 2 MiB or more")]
    [InlineData((2L << 20) - 1, "a ring of * is too small: give it 2 MiB or more")]
    [InlineData((1L << 40) + 1, "a ring of * is more than any machine has: give it 1 TiB or less")]
    [InlineData(long.MaxValue, "a ring of * is more than any machine has: give it 1 TiB or less")]
    public void A_ring_that_no_machine_has(long bytes, string problem)
    {
        var options = new LoadOptions { Strategy = "streamed", RingBytes = bytes };
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.safetensors"));

        Refusal(options).Should().Match(problem);
        FluentActions.Invoking(() => Planner.Plan(checkpoint, options)).Should().Throw<ArgumentException>().Which.Message.Should().Match(problem);
    }

    [Theory]
    [InlineData(2L << 20)]
    [InlineData(1L << 40)]
    public void The_smallest_and_the_largest_ring_are_planned_with(long bytes)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.safetensors"));

        FluentActions.Invoking(() => Planner.Plan(checkpoint, new LoadOptions { Device = Device.Sim(ByteSize.GiB), RingBytes = bytes })).Should().NotThrow();
    }

    private static string Refusal(LoadOptions options) =>
        FluentActions.Invoking(() => Loader.Load(Fixtures.Path("gpt2-tiny.safetensors"), options)).Should().Throw<ArgumentException>().Which.Message;
}
