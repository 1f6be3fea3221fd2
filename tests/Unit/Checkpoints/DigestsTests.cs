using Loadline.Checkpoints;
using Loadline.Forward;

namespace Loadline.Unit.Checkpoints;

public sealed class DigestsTests
{
    [Fact]
    public void What_was_written_beside_a_checkpoint_is_found()
    {
        using var folder = new TemporaryFolder();
        var digests = new Dictionary<string, TensorDigest> { ["w \"✓\""] = new("bfloat16", [2, 3], new string('a', 64)), ["scalar"] = new("float32", [], new string('c', 64)) };

        Digests.Write(folder["model.pth"], digests);

        folder.Names.Should().Equal("model.pth.digests.json");
        Digests.Find(folder["model.pth"]).Should().BeEquivalentTo(digests);
    }

    [Fact]
    public void A_folders_digests_lie_beside_it_whether_or_not_its_name_ends_in_a_slash()
    {
        using var folder = new TemporaryFolder();
        Digests.Write(folder["model"] + "/", new Dictionary<string, TensorDigest> { ["w"] = new("float32", [1], new string('a', 64)) });
        Digests.Find(folder["model"]).Should().ContainKey("w");
    }

    // A folder that is called by what stands in it has no record inside of itself, which whoever made it has written.
    [Theory]
    [InlineData("model/.")]
    [InlineData("model//")]
    [InlineData("model/././")]
    [InlineData("link/inner/..")]
    [InlineData("model/inner/../")]
    public void Whatever_way_leads_to_a_folder_its_digests_lie_beside_it(string way)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["model/inner"]);
        File.CreateSymbolicLink(folder["link"], "model");
        Digests.Write(folder["model"], new Dictionary<string, TensorDigest> { ["w"] = new("float32", [1], new string('a', 64)) });
        folder.Write("model/..digests.json", "{}"u8);

        Digests.PathFor(folder[way]).Should().Be(folder["model.digests.json"]);
        Digests.Find(folder[way]).Should().ContainKey("w");
        RecordedLogits.PathsFor(folder[way]).Should().Equal(folder["model.logits.json"], folder["model.logits.json"]);
    }

    [Fact]
    public void A_folder_in_the_place_of_digests_is_said_to_be_none()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["model.pth.digests.json"]);

        FluentActions.Invoking(() => Digests.Find(folder["model.pth"])).Should().Throw<CheckpointException>();
    }

    [Theory]
    [InlineData("tied.pth", "tok_emb.weight")]
    [InlineData("gpt2-tiny-parameters", "tok_emb.weight")]
    public void A_fixtures_digests_are_found_in_the_list_of_its_folder(string fixture, string tensor)
    {
        var digest = Digests.Find(Fixtures.Path(fixture))![tensor];
        var (dtype, shape, sha256) = Fixtures.Expected(fixture)[tensor];
        (digest.DType, digest.Sha256).Should().Be((dtype, sha256));
        digest.Shape.Should().Equal(shape);
    }

    [Theory]
    [InlineData("""{"w":{"dtype":"float32","shape":[1],"sha256":null}}""")]
    [InlineData("""{"w":{"dtype":"float32","shape":[9223372036854775808],"sha256":"ab"}}""")]
    [InlineData("""{"w":[]}""")]
    [InlineData("[]")]
    public void Digests_that_are_none_are_refused(string json)
    {
        using var folder = new TemporaryFolder();
        folder.Write("model.pth.digests.json", System.Text.Encoding.UTF8.GetBytes(json));
        FluentActions.Invoking(() => Digests.Find(folder["model.pth"])).Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.Malformed);
    }

    [Fact]
    public void A_device_in_the_place_of_digests_is_not_read_without_end()
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder["model.pth.digests.json"], "/dev/zero");
        FluentActions.Invoking(() => Digests.Find(folder["model.pth"])).Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.Malformed);
    }

    [Fact]
    public void Where_there_are_none_there_are_none()
    {
        using var folder = new TemporaryFolder();
        Digests.Find(folder["model.pth"]).Should().BeNull();
        folder.Write("expected.json", "{\"other.pth\": {}}"u8);
        Digests.Find(folder["model.pth"]).Should().BeNull();
    }

    [Fact]
    public void A_file_of_that_name_that_another_program_wrote_is_no_record_or_says_to_rename_it()
    {
        using var folder = new TemporaryFolder();
        foreach (var other in (string[])["[0.5, 1]", "3", "{\"logits\": [0.5, 1]}"])
        {
            folder.Write("expected.json", System.Text.Encoding.UTF8.GetBytes(other));
            Digests.Find(folder["model.pth"]).Should().BeNull(other);
        }

        foreach (var other in (string[])["{\"logits\": NaN}", "{\"model.pth\": [0.5]}"])
        {
            folder.Write("expected.json", System.Text.Encoding.UTF8.GetBytes(other));
            FluentActions.Invoking(() => Digests.Find(folder["model.pth"])).Should().Throw<CheckpointException>().WithMessage("*expected.json: holds no digests*rename it*");
        }
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"w\": {\"dtype\": \"float32\"}}")]
    [InlineData("{\"w\": {\"dtype\": 5, \"shape\": [], \"sha256\": \"\"}}")]
    [InlineData("{\"w\": {\"dtype\": \"uint8\", \"shape\": [1], \"sha256\": \"ab\"}}")]
    [InlineData("{\"w\": {\"dtype\": \"uint8\", \"shape\": [], \"sha256\": \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}, \"w\": 1}")]
    public void A_record_that_holds_something_else_is_refused(string contents)
    {
        using var folder = new TemporaryFolder();
        folder.Write("model.pth.digests.json", System.Text.Encoding.UTF8.GetBytes(contents));
        FluentActions.Invoking(() => Digests.Find(folder["model.pth"])).Should().Throw<CheckpointException>()
            .Which.Should().Match<CheckpointException>(e => e.Error == CheckpointError.Malformed && e.Message.Contains("holds no digests"));
    }
}
