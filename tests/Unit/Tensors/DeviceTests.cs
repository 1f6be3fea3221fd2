using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Tensors;

public class DeviceTests
{
    [Theory]
    [InlineData("cpu")]
    [InlineData("sim:4GiB")]
    [InlineData("sim:1646MiB")]
    [InlineData("sim:1000B")]
    [InlineData("cuda:0")]
    [InlineData("cuda:7")]
    public void A_device_prints_as_it_is_written(string text) => Device.Parse(text).ToString().Should().Be(text);

    [Theory]
    [InlineData("gpu")]
    [InlineData("meta")]
    [InlineData("sim:")]
    [InlineData("sim:0")]
    [InlineData("sim:-1GiB")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:+1")]
    public void What_is_no_target_is_refused_with_what_is(string text)
    {
        var parse = () => Device.Parse(text);

        parse.Should().Throw<FormatException>().WithMessage($"'{text}' is not a device to load onto: use cpu, cuda:N as in cuda:0, or sim:CAPACITY*");
    }

    [Theory]
    [InlineData("sim:16GB", "'16GB' is not a size: did you mean 16GiB?")]
    [InlineData("sim:4 gigs", "'4 gigs' is not a size: write a number and KiB, MiB, GiB or TiB*")]
    public void A_capacity_in_a_unit_that_is_none_gets_the_one_that_was_meant(string text, string problem) =>
        FluentActions.Invoking(() => Device.Parse(text)).Should().Throw<FormatException>().WithMessage($"'{text}' is not a device to load onto: {problem}");

    [Fact]
    public void A_full_device_says_what_was_asked_for_what_was_free_and_its_capacity_and_frees_everything()
    {
        var engine = new NativeEngine();
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));

        var load = () => Loader.Load(checkpoint, new LoadOptions { Strategy = "eager", Device = Device.Sim(150_000) }, engine);

        var error = load.Should().Throw<DeviceOutOfMemoryException>().Which;
        error.Message.Should().MatchRegex("^sim:150000B is out of memory: asked for .+, .+ free of 146 KiB$");
        error.RequestedBytes.Should().BeGreaterThan(error.FreeBytes);
        (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0));
    }

    [Fact]
    public void More_than_a_device_can_hold_takes_no_memory_for_its_checksums()
    {
        var engine = new NativeEngine();

        engine.Invoking(e => e.Allocate(Device.Sim(ByteSize.GiB), 1L << 60)).Should().Throw<DeviceOutOfMemoryException>();
        engine.Accelerator.CurrentBytes.Should().Be(0);
    }

    [Fact]
    public void A_ring_that_is_too_small_is_refused()
    {
        var load = () => Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Strategy = "streamed", RingBytes = ByteSize.MiB });

        load.Should().Throw<ArgumentException>().WithMessage("a ring of 1 MiB is too small: give it 2 MiB or more");
    }

    [Fact]
    public void An_unknown_strategy_is_refused_with_those_there_are()
    {
        var load = () => Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Strategy = "lazy" });

        load.Should().Throw<ArgumentException>().WithMessage("there is no strategy 'lazy': choose eager, cpu-then-to, *");
    }
}
