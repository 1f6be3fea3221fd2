using System.Formats.Tar;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Commands;

public sealed class ImageCommandTests : IDisposable
{
    private readonly FakeHarness _harness = new();

    public void Dispose() => _harness.Dispose();

    [Fact]
    public async Task An_archive_is_written_and_named()
    {
        _harness.Worker = "/bin/sh";
        var path = _harness.Folder["oci.tar"];

        (await _harness.RunAsync("image", "--output", path, "--name", "registry.example/worker:1")).Should().Be(ExitCodes.Loaded);

        _harness.Out.Should().MatchRegex("^.*oci.tar: registry.example/worker:1, [0-9.]+ [KM]iB, sha256:[0-9a-f]{64}\n$");
        new FileInfo(path).Length.Should().BeGreaterThan(1 << 20);
        (await _harness.RunAsync("image", "--output", path)).Should().Be(ExitCodes.Loaded, "an older image is replaced");
        File.WriteAllText(path, "notes");
        (await _harness.RunAsync("image", "--output", path)).Should().Be(ExitCodes.Refused);
        _harness.Error.Should().EndWith("oci.tar: is there and is no image of `loadline image`: name another file\n");
    }

    [Theory]
    [InlineData("blobs/ are what an image has\n")]
    [InlineData("blobs/")]
    public async Task A_file_that_begins_as_an_image_does_is_none(string text)
    {
        _harness.Worker = "/bin/sh";
        File.WriteAllText(_harness.Folder["notes"], text);

        (await _harness.RunAsync("image", "--output", _harness.Folder["notes"])).Should().Be(ExitCodes.Refused);

        File.ReadAllText(_harness.Folder["notes"]).Should().Be(text);
    }

    [Fact]
    public async Task Another_archive_with_a_folder_of_that_name_is_no_image()
    {
        _harness.Worker = "/bin/sh";
        var path = _harness.Folder["other.tar"];
        using (var tar = new TarWriter(File.Create(path), TarEntryFormat.Ustar))
        {
            foreach (var folder in new[] { "blobs/", "blobs/sha256/" })
            {
                var changed = DateTimeOffset.FromUnixTimeSeconds(folder == "blobs/" ? 0 : 1);
                tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, folder) { Mode = (UnixFileMode)0b111_101_101, ModificationTime = changed });
            }
        }

        var bytes = File.ReadAllBytes(path);
        (await _harness.RunAsync("image", "--output", path)).Should().Be(ExitCodes.Refused);

        File.ReadAllBytes(path).Should().Equal(bytes);
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("link")]
    [InlineData("model.pth")]
    public async Task A_link_gives_way_and_what_it_leads_to_stays(string target)
    {
        _harness.Worker = "/bin/sh";
        File.WriteAllText(_harness.Folder["model.pth"], "weights");
        File.CreateSymbolicLink(_harness.Folder["link"], target);

        (await _harness.RunAsync("image", "--output", _harness.Folder["link"])).Should().Be(ExitCodes.Loaded, _harness.Error);

        new FileInfo(_harness.Folder["link"]).LinkTarget.Should().BeNull();
        File.ReadAllText(_harness.Folder["model.pth"]).Should().Be("weights");
        File.Exists(_harness.Folder["gone"]).Should().BeFalse();
    }

    [Fact]
    public async Task A_wrong_name_and_an_output_that_is_a_folder_are_said_in_one_line()
    {
        (await _harness.RunAsync("image", "--output", _harness.Folder["oci.tar"], "--name", "Worker")).Should().Be(ExitCodes.Refused);
        _harness.Error.Should().Contain("'Worker' is no name of an image");

        (await _harness.RunAsync("image", "--output", _harness.Folder.Path)).Should().Be(ExitCodes.Refused);
        _harness.Error.Should().Contain("is a folder: name a file in it");
    }

    [Fact]
    public async Task A_worker_that_is_not_built_leaves_no_archive()
    {
        _harness.Worker = "/no/worker";

        (await _harness.RunAsync("image", "--output", _harness.Folder["oci.tar"])).Should().Be(ExitCodes.Infrastructure);

        _harness.Error.Should().Contain("there is no /no/worker to make an image of: build it first");
        Directory.EnumerateFileSystemEntries(_harness.Folder.Path).Should().BeEmpty();
    }
}
