using Loadline.Checkpoints;
using static Loadline.Unit.Checkpoints.Legacy.TinyLegacy;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Legacy;

public sealed class LegacyReaderTests
{
    private const string OneKey = "](X\u0001\0\0\00e";
    private static readonly string FourFloats = Int64(4) + new string('\0', 16);

    [Fact]
    public void Ties_and_views_share_one_storage_that_can_be_mapped()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/legacy-views.pth"));

        checkpoint.Format.Should().Be(CheckpointFormat.Legacy);
        checkpoint.Entries.Where(e => e.Storage == checkpoint.Entries[0].Storage).Select(e => e.Name).Should().Equal("base", "tied", "sliced", "transposed", "scalar");
        checkpoint.Storages.Should().OnlyContain(s => s.IsMappable);
    }

    [Fact]
    public void Parts_of_a_storage_share_it_as_PyTorch_0_1_wrote_them()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/legacy-parts.pth"));

        checkpoint.Storages.Should().ContainSingle().Which.Bytes.Should().Be(48);
        checkpoint.Entries.Select(e => (e.Name, e.StorageOffset)).Should().Equal(("first", 1), ("whole", 0), ("second", 6));
    }

    [Fact]
    public void A_storage_of_two_types_is_refused()
    {
        // 41 bytes, and the same storage as 11 floats, of which the last has one byte.
        var bytes = Tuple(Text("storage"), Global("torch", "ByteStorage"), Text("0"), Text("cpu"), Int(41), "N") + "Q";
        var floats = Storage(11, View("p", 10, 1));
        var root = Dict(Text("a"), Tensor(bytes, 0, [41], [1]), Text("b"), Tensor(floats, 0, [1], [1]));

        Refusal.Of(Of(root, OneKey, Int64(41) + new string('\0', 41)), CheckpointError.Malformed, "refers to storage '0' as 11 elements of torch.FloatStorage, but before as 41 elements of torch.ByteStorage");
    }

    [Fact]
    public void Tensors_without_elements_of_one_storage_have_each_its_own_type()
    {
        static string Empty(string storageClass) => Tensor(Tuple(Text("storage"), Global("torch", storageClass), Text("0"), Text("cpu"), Int(0), "N") + "Q", 0, [0], [1]);
        using var folder = new TemporaryFolder();
        using var checkpoint = Checkpoint.Open(folder.Write("a.pth", Of(Dict(Text("f"), Empty("FloatStorage"), Text("i"), Empty("LongStorage")), OneKey, Int64(0))));

        checkpoint.Entries.Select(e => (e.Name, e.DType)).Should().Equal(("f", DType.Float32), ("i", DType.Int64));
    }

    [Fact]
    public void A_training_checkpoint_gives_dotted_tensors_and_everything_else_as_metadata()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/legacy-training.pth"));

        checkpoint.Entries.Select(e => e.Name).Should().Equal("model.w", "optimizer.state.0.exp_avg");
        checkpoint.Metadata.Should().Contain("epoch", "3").And.Contain("optimizer.param_groups.0.lr", "0.1");
    }

    [Fact]
    public void Wherever_a_file_is_cut_it_is_refused_as_cut()
    {
        var whole = System.IO.File.ReadAllBytes(Fixtures.Path("odd/legacy-training.pth"));
        using var folder = new TemporaryFolder();
        for (var length = 20; length < whole.Length; length++)
        {
            Refusal.Of(folder.Write("cut.pth", whole.AsSpan(..length)), CheckpointError.Truncated);
        }
    }

    [Fact]
    public void A_pickle_longer_than_what_is_fetched_at_once_is_read()
    {
        using var folder = new TemporaryFolder();
        var note = new string('n', 200_000);
        var path = folder.Write("long.pth", Of(Dict(Text("note"), Text(note), Text("w"), Tensor(Storage(), 0, [4], [1]))));

        using var checkpoint = Checkpoint.Open(path);
        checkpoint.Metadata["note"].Should().Be(note);
        checkpoint.Entries.Should().ContainSingle().Which.Storage.Position.Should().Be(new FileInfo(path).Length - 16);
    }

    [Fact]
    public void A_pickled_module_whose_class_stands_in_an_id_gives_its_state_dict()
    {
        using var folder = new TemporaryFolder();
        var module = Tuple(Text("module"), Global("nets.vision", "Net"), Text("/home/me/net.py"), Text("class Net(nn.Module): ...")) + "Q)\u0081"
            + Dict(Text("_parameters"), Dict(Text("w"), Tensor(Storage(), 0, [4], [1])), Text("_buffers"), "}", Text("_modules"), "}", Text("size"), Int(4)) + "b";
        using var checkpoint = Checkpoint.Open(folder.Write("net.pth", Of(module)));

        checkpoint.Entries.Should().ContainSingle().Which.Name.Should().Be("w");
        checkpoint.Metadata.Should().Equal(new Dictionary<string, string> { ["__class__"] = "a pickled module of nets.vision.Net" });
    }

    [Fact]
    public void A_file_of_a_big_endian_machine_is_refused() =>
        Refusal.Of(Of("}", "]", "", facts: Dict(Text("little_endian"), "\u0089")), CheckpointError.Unsupported, "big-endian");

    [Fact]
    public void Another_protocol_version_is_refused() => Refusal.Of(Of("}", "]", "", version: 1002), CheckpointError.Unsupported, "protocol version 1002");

    [Fact]
    public void Keys_that_are_no_list_are_refused() => Refusal.Of(Of("}", "}", ""), CheckpointError.Malformed, "no list of storages");

    [Fact]
    public void A_key_that_nothing_refers_to_is_refused() => Refusal.Of(Of("}", OneKey, FourFloats), CheckpointError.Malformed, "lists storage '0'");

    [Fact]
    public void A_key_that_comes_twice_is_refused() =>
        Refusal.Of(Of(OneTensor(Storage()), "](" + Text("0") + Text("0") + "e", FourFloats + FourFloats), CheckpointError.Malformed, "'0' twice");

    [Fact]
    public void A_storage_without_a_key_is_refused() => Refusal.Of(Of(OneTensor(Storage()), "]", ""), CheckpointError.Malformed, "'w'", "does not list");

    [Theory]
    [InlineData(5)]
    [InlineData(-4)]
    [InlineData(long.MaxValue)]
    public void A_count_that_the_storage_does_not_have_is_refused(long count) =>
        Refusal.Of(Of(OneTensor(Storage(count))), CheckpointError.Malformed, "has 4 elements in storage '0'");

    [Fact]
    public void A_count_beyond_the_end_of_the_file_is_refused() =>
        Refusal.Of(Of(OneTensor(Storage(1L << 62)), OneKey, Int64(1L << 62)), CheckpointError.Truncated, "cut short");

    [Fact]
    public void Bytes_behind_the_last_storage_are_refused() =>
        Refusal.Of(Of(OneTensor(Storage()), OneKey, FourFloats + "more"), CheckpointError.Malformed, "4 bytes behind its last storage");

    [Fact]
    public void A_storage_of_two_lengths_is_refused() =>
        Refusal.Of(Of("(" + Storage() + Storage(4, storageClass: "LongStorage") + "t"), CheckpointError.Malformed, "4 elements of torch.LongStorage, but before as");

    [Theory]
    [InlineData(-1, 2)]
    [InlineData(1, -2)]
    [InlineData(2, 3)]
    [InlineData(long.MaxValue, long.MaxValue)]
    public void A_part_beyond_its_storage_is_refused(long offset, long count) =>
        Refusal.Of(Of(OneTensor(Storage(view: View("1", offset, count)), count: 1)), CheckpointError.Malformed, "views", "which has 4");

    [Fact]
    public void A_tensor_beyond_its_part_is_refused() =>
        Refusal.Of(Of(OneTensor(Storage(view: View("1", 1, 2)), count: 3)), CheckpointError.Malformed, "'w'", "reaches beyond its storage of 2 elements");

    [Fact]
    public void Parts_of_one_name_and_two_places_are_refused() =>
        Refusal.Of(Of("(" + Storage(view: View("1", 0, 2)) + Storage(view: View("1", 2, 2)) + "t"), CheckpointError.Malformed, "storage '1'");

    [Fact]
    public void A_forbidden_global_in_any_of_the_pickles_is_refused()
    {
        var evil = Call("os", "system", Text("true"));
        foreach (var file in (byte[][])[Of(evil), Of("}", evil, ""), Of("}", "]", "", facts: evil), [.. File(Magic), .. File(evil)]])
        {
            Refusal.Of(file, CheckpointError.ForbiddenGlobal, "os.system");
        }
    }
}
