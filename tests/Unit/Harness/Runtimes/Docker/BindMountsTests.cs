using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

public class BindMountsTests
{
    private static readonly ContainerSpec Spec = new() { Command = ["/bin/load"], CapBytes = ByteSize.GiB, Timeout = TimeSpan.FromMinutes(1) };

    [Fact]
    public void What_is_mounted_below_a_read_only_folder_is_read_only_too_and_known_to_the_kernel_without_the_link()
    {
        var mounts = BindMounts.Of(Spec with { Mounts = ["/proc/self/root/dev/"] }, isRecursive: false);

        mounts[0].Source.Should().Be("/proc/self/root/dev");
        mounts.Select(m => m.Source).Should().Contain("/proc/self/root/dev/shm", "which is a file system of its own on every Linux");
        mounts.Should().OnlyContain(m => m.ReadOnly == true && m.Source == m.Target);
    }

    [Fact]
    public void An_engine_that_knows_better_is_given_no_more_than_was_named() =>
        BindMounts.Of(Spec with { Mounts = ["/dev"] }, isRecursive: true).Select(m => m.Source).Should().Equal("/dev");

    [Fact]
    public void No_path_comes_twice_and_what_is_to_be_written_can_be() =>
        BindMounts.Of(Spec with { Mounts = ["/dev", "/dev/shm"], WritableMounts = ["/dev/shm/"] }, isRecursive: false)
            .Where(m => m.Source is "/dev" or "/dev/shm").Select(m => (m.Source, m.ReadOnly)).Should().Equal(("/dev", true), ("/dev/shm", false));

    [Theory]
    [InlineData("1.44", "5.12", true)]
    [InlineData("1.47", "6.18.44-fc", true)]
    [InlineData("1.43", "6.18.44", false)]
    [InlineData("1.44", "5.10.0-32-amd64", false)]
    [InlineData("1.44", "", false)]
    [InlineData("1.44", null, false)]
    public void Docker_25_on_Linux_5_12_knows_better(string api, string? kernel, bool expected) =>
        BindMounts.IsRecursive(System.Version.Parse(api), kernel).Should().Be(expected);
}
