using Loadline.Benchmarks;
using Loadline.Checkpoints;
using Loadline.Harness.Results;

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

    [Fact]
    public void What_a_later_day_measures_again_takes_the_place_of_the_old_and_the_rest_keeps_its_date()
    {
        var (again, once) = (new Group("load", "gpt2-medium", Cold: true, [], Group.Enough), new Group("load", "gpt2-small", Cold: true, [], Group.Enough));
        var record = PeersRecord.Empty("2026-11-21", new RunEnvironment("6.1", 2, "docker", "native", null, null, 2, 1 << 30), "image")
            .With(again, [RowOf(again, "eager"), RowOf(again, "streamed")]).With(once, [RowOf(once, "eager")]);

        var later = record.On("2026-11-22");
        (later.Has(again), later.Has(once)).Should().Be((false, false), "nothing is of this day yet");
        later = later.With(again, [RowOf(again, "eager")]);

        (later.Date, later.Has(again), later.Has(once)).Should().Be(("2026-11-22", true, false));
        later.Rows.Select(r => (r.Model, r.Date)).Should().Equal(("gpt2-small", "2026-11-21"), ("gpt2-medium", null));
        later.On("2026-11-22").Should().Be(later);
        later.On("2026-11-23").Rows.Select(r => r.Date).Should().Equal("2026-11-21", "2026-11-22");
    }

    private static Row RowOf(Group group, string name) => new(group.Name, group.Model, group.Cold, name, Side.Loadline, CheckpointFormat.Pth, 1);
}
