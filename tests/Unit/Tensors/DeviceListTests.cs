using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Tensors;

public class DeviceListTests
{
    [Fact]
    public void Accelerators_come_first_and_have_numbers_in_the_order_given()
    {
        var devices = DeviceList.Parse("disk, sim:2GiB,cpu,sim:2GiB");

        devices.Select(d => d.NameInList).Should().Equal("sim:0", "sim:1", "cpu", "disk");
        devices.ToString().Should().Be("sim:2GiB,sim:2GiB,cpu,disk");
        devices[0].Should().NotBe(devices[1], "two of one size are two");
        devices.Find("sim:1").Should().Be(devices[1]);
    }

    [Fact]
    public void GPUs_keep_the_drivers_numbers_and_simulated_accelerators_have_their_own()
    {
        var devices = DeviceList.Parse("cuda:1,sim:2GiB,cuda:0,cpu,disk");

        devices.Select(d => d.NameInList).Should().Equal("cuda:1", "sim:0", "cuda:0", "cpu", "disk");
        devices.ToString().Should().Be("cuda:1,sim:2GiB,cuda:0,cpu,disk");
        devices.Find("cuda:1").Should().Be(Device.Cuda(1));
    }

    [Theory]
    [InlineData("cuda:0,cpu,cuda:0", "'cuda:0,cpu,cuda:0' has cuda:0 twice")]
    [InlineData("sim:2GiB,gpu", "'gpu' is not a device of a list: *")]
    [InlineData("cpu,,disk", "'' is not a device of a list: *")]
    [InlineData(",disk", "'' is not a device of a list: *")]
    [InlineData("cpu,cpu", "'cpu,cpu' has cpu twice")]
    [InlineData("disk,cpu,disk", "'disk,cpu,disk' has disk twice")]
    public void What_is_no_list_is_refused(string text, string problem)
    {
        var parse = () => DeviceList.Parse(text);

        parse.Should().Throw<FormatException>().WithMessage(problem);
    }

    [Theory]
    [InlineData("cpu", "'cpu' is no limit: *")]
    [InlineData("cpu=much", "'cpu=much' is no limit: *")]
    [InlineData("cpu=1GiB,cpu=2GiB", "*has a limit for cpu twice")]
    public void What_is_no_list_of_limits_is_refused(string text, string problem)
    {
        var parse = () => new LoadOptions().WithMaxMemory(text);

        parse.Should().Throw<FormatException>().WithMessage(problem);
    }

    [Fact]
    public void Only_device_map_takes_several_devices()
    {
        var load = () => Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Strategy = "eager" }.WithDevices("sim:1GiB,cpu"));

        load.Should().Throw<ArgumentException>().WithMessage("eager loads onto one device and takes no map: only device-map does");
    }
}
