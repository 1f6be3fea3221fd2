using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Strategies;

public class AutoTests
{
    [Theory]
    [InlineData("gpt2-tiny.pth", "cpu", "mmap-assign")]
    [InlineData("gpt2-tiny.pth", "sim:1GiB", "mmap-assign")]
    [InlineData("odd/deflated.pth", "cpu", "meta-assign")]
    [InlineData("odd/deflated.pth", "sim:1GiB", "streamed")]
    public void The_report_says_what_was_chosen(string fixture, string device, string choice)
    {
        var report = Run("auto", fixture, device).OfType<LoadReport>().Single();

        (report.Strategy, report.Choice).Should().Be(("auto", choice));
    }

    [Fact]
    public void Only_auto_chooses() =>
        Run("streamed", "gpt2-tiny.pth", "cpu").OfType<LoadReport>().Single().Choice.Should().BeNull();

    [Fact]
    public void A_device_that_holds_no_strategys_weights_is_full()
    {
        var load = () => Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Strategy = "auto", Device = Device.Sim(1000) });

        load.Should().Throw<DeviceOutOfMemoryException>().Which.FreeBytes.Should().Be(1000);
    }

    private static List<WorkerEvent> Run(string strategy, string fixture, string device)
    {
        var events = new List<WorkerEvent>();
        var options = new LoadOptions { Strategy = strategy, Device = Device.Parse(device) };
        MeasuredLoad.Run(new LoadRequest(Fixtures.Path(fixture), options), events.Add).Should().Be(ExitCodes.Loaded);
        return events;
    }
}
