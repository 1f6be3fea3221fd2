using Loadline.Gauges;

namespace Loadline.Unit.Gauges;

public sealed class LentMemoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("0x0005", "01100101000000000000000000000000", true)]
    [InlineData("0x0005", "01100001000000000000000000000000", false)]
    [InlineData("0x0005", "", false)]
    [InlineData("0x0002", "01100101000000000000000000000000", false)]
    public void A_machine_lends_its_memory_whose_balloon_reports_what_is_free(string device, string features, bool isLent)
    {
        Device("virtio0", "0x0001", "11000101101110110000000000000100");
        Device("virtio1", device, features);

        LentMemory.IsLent(_folder.Path).Should().Be(isLent);
    }

    [Fact]
    public void Where_there_are_no_such_devices_it_does_not() => LentMemory.IsLent(_folder.Path).Should().BeFalse();

    private void Device(string name, string device, string features)
    {
        var folder = Directory.CreateDirectory(Path.Join(_folder.Path, "sys/bus/virtio/devices", name)).FullName;
        File.WriteAllText(Path.Join(folder, "device"), device + "\n");
        File.WriteAllText(Path.Join(folder, "features"), features + "\n");
    }
}
