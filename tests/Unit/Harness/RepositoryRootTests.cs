using Loadline.Harness;

namespace Loadline.Unit.Harness;

/// <summary>Programs are taken from the clone that this one was built in, and from no folder where anybody could say that it is one.</summary>
public class RepositoryRootTests
{
    [Theory]
    [InlineData(UnixFileMode.OtherWrite | UnixFileMode.StickyBit, false)]
    [InlineData(UnixFileMode.None, true)]
    public void A_solution_in_a_folder_of_all_is_nobodys(UnixFileMode more, bool isFound)
    {
        using var folder = new TemporaryFolder();
        var root = Directory.CreateDirectory(folder["root"]);
        if (!OperatingSystem.IsWindows()) root.UnixFileMode |= more;
        File.WriteAllText(folder["root/Harness.sln"], "");
        Directory.CreateDirectory(folder["root/bin/net10.0"]);

        RepositoryRoot.Find(folder["root/bin/net10.0"]).Should().Be(isFound ? folder["root"] : null);
    }
}
