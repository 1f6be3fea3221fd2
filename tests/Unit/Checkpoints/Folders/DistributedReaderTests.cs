using Loadline.Checkpoints;
using Loadline.Checkpoints.Selection;
using Loadline.Unit.Checkpoints.Legacy;
using Loadline.Unit.Checkpoints.Pth;

namespace Loadline.Unit.Checkpoints.Folders;

/// <summary>Folders of torch.distributed.checkpoint that are damaged, and what opens besides the folder.</summary>
public sealed class DistributedReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public DistributedReaderTests()
    {
        foreach (var file in Directory.GetFiles(Fixtures.Path("folders/dcp-4-ranks"))) _folder.CopyOf(file);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_metadata_opens_its_folder_and_values_are_metadata()
    {
        using var checkpoint = Checkpoint.Open(_folder[".metadata"]);

        (checkpoint.Format, checkpoint.Path, checkpoint.Files.Count).Should().Be((CheckpointFormat.Distributed, _folder.Path, 4));
        checkpoint.Metadata.Should().Equal(new Dictionary<string, string> { ["optimizer.lr"] = "0.1", ["epoch"] = "7", ["note"] = "made for tests" });
        CheckpointPaths.Whole(_folder[".metadata"]).Should().Be(_folder.Path);
    }

    [Fact]
    public void One_ranks_file_is_refused_with_its_folder() =>
        Refusal.Of(_folder["__0_0.distcp"], CheckpointError.Unsupported, "is one rank's part", "open its folder, " + _folder.Path);

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        File.Delete(_folder["__2_0.distcp"]);

        Refusal.Of(_folder[".metadata"], CheckpointError.NotFound, "names '__2_0.distcp', which is not there: copy the files of all ranks");
    }

    [Fact]
    public void A_file_that_is_cut_is_refused()
    {
        using (var file = File.OpenWrite(_folder["__3_0.distcp"])) file.SetLength(3000);

        Refusal.Of(_folder["__3_0.distcp"], CheckpointError.Unsupported);
        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.Truncated);
    }

    [Fact]
    public void A_part_that_is_another_tensors_is_refused()
    {
        File.WriteAllBytes(_folder["__1_0.distcp"], [.. File.ReadAllBytes(_folder["__0_0.distcp"]), .. new byte[4096]]);

        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().Which.Error
            .Should().BeOneOf(CheckpointError.Malformed, CheckpointError.Truncated);
    }

    [Fact]
    public void Parts_that_overlap_in_one_file_are_refused()
    {
        using var folder = new TemporaryFolder();
        var part = TinyFolders.Part(TinyFolders.Vector);
        folder.Write("a.distcp", [.. part, .. part]);
        TinyFolders.WriteDistributed(
            folder, TinyPickle.Text("v") + TinyFolders.TensorMetadata(4) + TinyPickle.Text("w") + TinyFolders.TensorMetadata(4),
            TinyFolders.Place("v", true, "a.distcp", 0, part.Length) + TinyFolders.Place("w", true, "a.distcp", 16, part.Length));

        FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().WithMessage($"{folder["a.distcp"]}: has parts that overlap at 16");
    }

    [Fact]
    public void A_part_that_PyTorch_would_read_as_a_legacy_file_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] part = [.. TinyLegacy.Of(TinyFolders.Vector), .. TinyFolders.Part(TinyFolders.Vector)];
        folder.Write("a.distcp", part);
        TinyFolders.WriteDistributed(folder, TinyPickle.Text("v") + TinyFolders.TensorMetadata(4), TinyFolders.Place("v", true, "a.distcp", 0, part.Length));

        FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().WithMessage($"{folder["a.distcp"]}: does not begin as an archive*");
    }

    [Fact]
    public void What_is_described_as_a_value_is_one_whatever_else_is_said_of_it()
    {
        using var folder = new TemporaryFolder();
        var part = TinyFolders.Part(TinyFolders.Vector);
        folder.Write("a.distcp", [.. part, .. part]);
        var value = TinyFolders.TensorMetadata(4).Replace("TensorStorageMetadata", "BytesStorageMetadata", StringComparison.Ordinal);
        TinyFolders.WriteDistributed(
            folder, TinyPickle.Text("v") + value, TinyFolders.Place("v", false, "a.distcp", 0, part.Length) + TinyFolders.Place("v", true, "a.distcp", part.Length, part.Length));

        using var checkpoint = Checkpoint.Open(folder.Path);
        checkpoint.Entries.Single().Storage.Position.Should().BeLessThan(part.Length);
    }

    [Fact]
    public void A_tensor_that_the_planner_would_put_elsewhere_is_refused()
    {
        using var folder = new TemporaryFolder();
        var part = TinyFolders.Part(TinyFolders.Vector);
        folder.Write("a.distcp", part);

        var (m, v, one) = (TinyPickle.Text("m"), TinyPickle.Text("v"), TinyPickle.Int(1));
        string[] elsewhere = [TinyPickle.Tuple(m, TinyPickle.Text("w")), TinyPickle.Tuple(m, v, one, v), TinyPickle.Tuple(m, v), TinyPickle.Tuple(TinyPickle.Text("m.v"), "\u0088"), ")"];
        string[] noWays = [v, "]" + m + "a", TinyPickle.Call("builtins", "tuple", "]" + m + "a")];
        foreach (var path in elsewhere)
        {
            Write(path);
            FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().WithMessage("*'m.v.1' lies under another name in its state dict*");
        }

        foreach (var path in noWays)
        {
            Write(path);
            FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().WithMessage("*planner data that is no name and the way to it*");
        }

        foreach (var path in (string[])[TinyPickle.Tuple(m, v, one), TinyPickle.Tuple(TinyPickle.Text("m.v"), TinyPickle.Text("1")), TinyPickle.Tuple(TinyPickle.Text("m.v.1"))])
        {
            Write(path);
            using var checkpoint = Checkpoint.Open(folder.Path);
            checkpoint.Entries.Single().Name.Should().Be("m.v.1");
        }

        void Write(string path) => TinyFolders.WriteDistributed(
            folder, TinyPickle.Text("m.v.1") + TinyFolders.TensorMetadata(4), TinyFolders.Place("m.v.1", true, "a.distcp", 0, part.Length),
            TinyPickle.Dict(TinyPickle.Text("m.v.1"), path));
    }

    [Theory]
    [InlineData("collections", "UserDict")]
    [InlineData("my.code", "Paths")]
    public void Planner_data_that_is_no_dictionary_is_refused(string module, string type)
    {
        using var folder = new TemporaryFolder();
        TinyFolders.WriteDistributed(folder, "", "", TinyPickle.Global(module, type) + ")\u0081");

        FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().WithMessage("*keeps planner data that is no dictionary*");
    }

    [Fact]
    public void A_class_of_the_metadata_that_is_called_with_arguments_is_refused()
    {
        using var folder = new TemporaryFolder();
        var root = TinyPickle.Call("torch.distributed.checkpoint.metadata", "Metadata", TinyPickle.Int(1))
            + TinyPickle.Dict(TinyPickle.Text("state_dict_metadata"), TinyPickle.Dict(), TinyPickle.Text("storage_data"), TinyPickle.Dict()) + "b";
        folder.Write(".metadata", TinyPickle.File(root));

        FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().WithMessage("*is no metadata of torch.distributed.checkpoint*");
    }

    [Fact]
    public void A_value_whose_place_is_lost_is_refused()
    {
        using var folder = new TemporaryFolder();
        TinyFolders.WriteDistributed(folder, TinyPickle.Text("epoch") + TinyFolders.Instance("BytesStorageMetadata"), "");

        FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().WithMessage("*does not say where 'epoch' is: the save did not end*");
    }

    [Fact]
    public void A_part_that_was_transformed_is_refused()
    {
        using var folder = new TemporaryFolder();
        var part = TinyFolders.Part(TinyFolders.Vector);
        folder.Write("a.distcp", part);
        var place = TinyFolders.Index("v", isTensor: true) + TinyFolders.Instance(
            "_StorageInfo", TinyPickle.Text("relative_path"), TinyPickle.Text("a.distcp"), TinyPickle.Text("offset"), TinyPickle.Int(0), TinyPickle.Text("length"),
            TinyPickle.Int(part.Length), TinyPickle.Text("transform_descriptors"), "]" + TinyPickle.Text("zstd") + "a");
        TinyFolders.WriteDistributed(folder, TinyPickle.Text("v") + TinyFolders.TensorMetadata(4), place);

        FluentActions.Invoking(() => Checkpoint.Open(folder.Path)).Should().Throw<CheckpointException>().WithMessage("*a part of 'v' that was transformed*");
    }

    [Fact]
    public void A_file_that_leads_to_itself_is_none_of_the_parts()
    {
        File.CreateSymbolicLink(_folder["x.distcp"], "x.distcp");

        using var checkpoint = Checkpoint.Open(_folder.Path);
        checkpoint.Files.Should().HaveCount(4);
        CheckpointPaths.WithLinks(_folder.Path).Should().Equal(_folder.Path);
    }

    [Fact]
    public void A_metadata_that_climbs_out_of_the_folder_is_refused()
    {
        var metadata = File.ReadAllBytes(_folder[".metadata"]);
        "../../distcp"u8.CopyTo(metadata.AsSpan(metadata.AsSpan().IndexOf("__0_0.distcp"u8)));
        _folder.Write(".metadata", metadata);

        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.Malformed);
    }

    [Fact]
    public void A_tensor_that_is_selected_needs_its_own_files_only()
    {
        using var checkpoint = Checkpoint.Open(_folder.Path, new EntrySelection { Include = ["model.blocks.0.b", "model.tok_emb.weight"] });

        checkpoint.Entries.Should().HaveCount(2);
        checkpoint.Files.Should().BeSubsetOf(Directory.GetFiles(_folder.Path)).And.NotBeEmpty();
        checkpoint.StorageBytes.Should().Be(4 * (12 + 37 * 8));
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public void A_damaged_metadata_is_refused_or_read_and_nothing_else(int seed)
    {
        var sound = File.ReadAllBytes(_folder[".metadata"]);
        var random = new Random(seed);
        for (var i = 0; i < 300; i++)
        {
            var damaged = sound.ToArray();
            for (var change = 0; change < 3; change++) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            _folder.Write(".metadata", damaged);
            try
            {
                Checkpoint.Open(_folder.Path).Dispose();
            }
            catch (CheckpointException e)
            {
                e.Message.Should().NotContain("\n");
            }
        }
    }
}
