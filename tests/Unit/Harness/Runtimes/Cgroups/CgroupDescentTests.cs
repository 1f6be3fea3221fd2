using System.Runtime.Versioning;
using Loadline.Harness.Runtimes.Cgroups;

namespace Loadline.Unit.Harness.Runtimes.Cgroups;

/// <remarks>On plain folders, which the kernel removes as it does cgroups. Root may do all of it without permission; who else runs this gives it back.</remarks>
[SupportedOSPlatform("linux")]
public sealed class CgroupDescentTests : IDisposable
{
    private const UnixFileMode Search = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(UnixFileMode.None)]
    [InlineData(UnixFileMode.UserRead)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite)]
    [InlineData(UnixFileMode.UserExecute)]
    public void What_its_maker_forbids_to_look_into_is_visited_and_removed(UnixFileMode mode)
    {
        foreach (var name in (string[])["run/a/b/c", "run/d"]) Directory.CreateDirectory(_folder[name]);
        foreach (var name in (string[])["run/a/b", "run/a", "run/d"]) File.SetUnixFileMode(_folder[name], mode);
        var visited = 0;

        CgroupDescent.Visit(_folder["run"], below => visited += Directory.Exists(below) ? 1 : 0);
        visited.Should().Be(4);

        foreach (var name in (string[])["run/a/b", "run/a", "run/d"]) File.SetUnixFileMode(_folder[name], mode);
        CgroupDescent.Remove(_folder["run"]);
        Directory.GetFileSystemEntries(_folder["run"]).Should().BeEmpty();
        File.GetUnixFileMode(_folder["run"]).Should().HaveFlag(Search);
    }

    [Fact]
    public void Links_are_not_followed()
    {
        Directory.CreateDirectory(_folder["run"]);
        Directory.CreateDirectory(_folder["elsewhere/kept"]);
        Directory.CreateSymbolicLink(_folder["run/link"], _folder["elsewhere"]);

        CgroupDescent.Remove(_folder["run"]);
        CgroupDescent.Remove(_folder["run/link"]);

        Directory.Exists(_folder["elsewhere/kept"]).Should().BeTrue();
    }
}
