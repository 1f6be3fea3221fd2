using Loadline.Benchmarks;

namespace Loadline.Unit.Benchmarks;

/// <summary>The pages of the record beside the peers say what was measured; nobody edits them.</summary>
public class PeersRecordTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "benchmarks", "record", "debian12-2cores");
    private static readonly PeersRecord Record = PeersRecord.Read(Path.Combine(Folder, "peers.json"));

    [Fact]
    public void The_page_is_made_of_the_record() =>
        File.ReadAllText(Path.Combine(Folder, $"{Record.Date}-peers.md")).Should().Be(Markdown.Of(Record, "gpt2-medium"));

    [Fact]
    public void The_picture_is_drawn_from_the_record() => File.ReadAllText(Path.Combine(Folder, "peers.svg")).Should().Be(Picture.Of(Record));
}
