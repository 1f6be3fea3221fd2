using Loadline.Checkpoints;
using Loadline.Checkpoints.Zero;
using Loadline.Unit.Checkpoints.Pth;

namespace Loadline.Unit.Checkpoints.Folders;

/// <summary>Folders of DeepSpeed's ZeRO.</summary>
public sealed class ZeroReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("zero-1", "1")]
    [InlineData("zero-2", "2")]
    [InlineData("zero-3", "3")]
    public void The_stage_is_metadata_and_ties_share(string name, string stage)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("folders/" + name));

        (checkpoint.Format, checkpoint.Metadata["zero_stage"]).Should().Be((CheckpointFormat.Zero, stage));
        checkpoint.TryFind("head.weight", out var head).Should().BeTrue();
        checkpoint.TryFind("tok.weight", out var embedding).Should().BeTrue();
        head!.Storage.Should().BeSameAs(embedding!.Storage);
    }

    [Fact]
    public void Vectors_of_one_rank_that_overlap_are_refused()
    {
        var shapes = TinyPickle.Dict(TinyPickle.Text("v"), TinyPickle.Ints(4)) + TinyPickle.Dict(TinyPickle.Text("w"), TinyPickle.Ints(4));
        TinyFolders.WriteZero(_folder, TinyPickle.Text("param_shapes") + "](" + shapes + "e");
        var vectors = "](" + TinyFolders.Vector + TinyPickle.Tensor(TinyPickle.Storage("1", 4), 0, [4], [1]) + "e";
        var two = TinyArchive.Of(("a/data.pkl", TinyPickle.File(TinyFolders.ZeroOptimizer(vectors))), ("a/data/0", new byte[16]), ("a/data/1", new byte[16]));
        _folder.Write("zero_pp_rank_0_mp_rank_00_optim_states.pt", two);
        using (var checkpoint = Checkpoint.Open(_folder.Path)) checkpoint.Entries.Should().HaveCount(2);

        var first = two.AsSpan().IndexOf("a/data/0"u8) - 30;
        _folder.Write("zero_pp_rank_0_mp_rank_00_optim_states.pt", TinyArchive.Patch(two, [0x50, 0x4b, 1, 2], 42, BitConverter.GetBytes(first)));

        Refusal.Of(_folder.Path, CheckpointError.Malformed, "records 'data/0' and 'data/1' overlap");
    }

    [Theory]
    [InlineData("rank_9_", "rank_10_")]
    [InlineData("rank_1_", "rank_02_")]
    [InlineData("rank", "rank_0_")]
    [InlineData("rank_1", "rank_1_mp")]
    [InlineData("mp_rank", "z_model")]
    [InlineData("rank_007_a", "rank_7_b")]
    public void Ranks_are_in_the_order_of_DeepSpeeds_script(string first, string second)
    {
        RankOrder.Instance.Compare(first, second).Should().BeNegative();
        RankOrder.Instance.Compare(second, first).Should().BePositive();
    }

    [Fact]
    public void Two_files_of_one_rank_are_refused()
    {
        WriteOne();
        File.Copy(_folder["mp_rank_00_model_states.pt"], _folder["mp_rank_0_model_states.pt"]);

        Refusal.Of(_folder.Path, CheckpointError.Malformed, "has two files of one rank, 'mp_rank_0");
    }

    [Fact]
    public void A_hidden_file_is_none_of_them()
    {
        WriteOne();
        File.Copy(_folder["zero_pp_rank_0_mp_rank_00_optim_states.pt"], _folder[".a_optim_states.pt"]);

        using var checkpoint = Checkpoint.Open(_folder.Path);
        checkpoint.Entries.Select(e => e.Name).Should().Equal("v");
    }

    [Fact]
    public void A_frozen_parameter_is_as_it_is()
    {
        WriteOne(TinyPickle.Text("frozen_param_shapes") + TinyPickle.Dict(TinyPickle.Text("f"), TinyPickle.Ints(4)) + Fragments);
        using (var checkpoint = Checkpoint.Open(_folder.Path)) checkpoint.Entries.Should().Contain(e => e.Name == "f" && e.Shape.Single() == 4);

        WriteOne(TinyPickle.Text("frozen_param_shapes") + TinyPickle.Dict(TinyPickle.Text("f"), TinyPickle.Ints(2, 2)) + Fragments);
        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().Which.Tensor.Should().Be("f");
    }

    private static string Fragments => TinyPickle.Text("frozen_param_fragments") + TinyPickle.Dict(TinyPickle.Text("f"), TinyFolders.Vector);

    private void WriteOne(string states = "") =>
        TinyFolders.WriteZero(_folder, TinyPickle.Text("param_shapes") + "]" + TinyPickle.Dict(TinyPickle.Text("v"), TinyPickle.Ints(4)) + "a" + states);

    [Theory]
    [InlineData(4, 4, true)]
    [InlineData(3, 5, false)]
    public void Ranks_of_stage_3_are_cut_alike(int first, int second, bool opens)
    {
        WriteRank(0, 4, 4);
        WriteRank(1, first, second);

        if (opens) Checkpoint.Open(_folder.Path).Dispose();
        else Refusal.Of(_folder.Path, CheckpointError.Malformed, "has ranks whose flat groups are of other lengths");
    }

    [Theory]
    [InlineData("deepspeed.runtime.zero.config", "ZeroStageEnum", true)]
    [InlineData("builtins", "bool", false)]
    [InlineData("datetime", "date", false)]
    [InlineData("evil", "ZeroStageEnum", false)]
    [InlineData("evil.deepspeed.runtime.zero.config", "ZeroStageEnum", false)]
    [InlineData("deepspeed.runtime.zero.config", "ZeroStageEnum.gradients", false)]
    public void A_stage_that_another_class_makes_is_none(string module, string type, bool opens)
    {
        WriteSaying("zero_stage", 2, TinyPickle.Call(module, type, TinyPickle.Int(2)));

        Opens(opens, "*says its ZeRO stage by what is neither a number nor DeepSpeed's own enumeration");
    }

    // As Python 3.11 writes a member of an enumeration of numbers: getattr(class, name).
    [Theory]
    [InlineData("gradients", "2")]
    [InlineData("optimizer_states", "1")]
    [InlineData("disabled", "is of ZeRO's stage 0: stages 1 to 3 are known")]
    [InlineData("weights", "is of ZeRO's stage 3, but has no fp32_flat_groups")]
    [InlineData("max_stage", "is of ZeRO's stage 3, but has no fp32_flat_groups")]
    [InlineData("mro", "says its ZeRO stage by what is neither a number nor DeepSpeed's own enumeration")]
    public void A_stage_is_a_member_of_DeepSpeeds_enumeration_by_its_name(string member, string says)
    {
        WriteSaying("zero_stage", 2, MemberOf(TinyPickle.Global("deepspeed.runtime.zero.config", "ZeroStageEnum"), member));

        if (says.Length > 1) Opens(false, "*" + says);
        else
        {
            using var checkpoint = Checkpoint.Open(_folder.Path);
            checkpoint.Metadata["zero_stage"].Should().Be(says);
        }
    }

    [Fact]
    public void A_member_of_another_enumeration_or_of_a_member_is_no_stage()
    {
        var own = TinyPickle.Global("deepspeed.runtime.zero.config", "ZeroStageEnum");
        foreach (var stage in (string[])[MemberOf(TinyPickle.Global("evil", "ZeroStageEnum"), "gradients"), MemberOf(own + ")\u0081", "gradients")])
        {
            WriteSaying("zero_stage", 2, stage);
            Opens(false, "*says its ZeRO stage by what is neither a number nor DeepSpeed's own enumeration");
        }
    }

    [Fact]
    public void A_count_of_parts_is_a_number_or_a_list_of_numbers()
    {
        var one = TinyPickle.Int(1);
        (string Count, bool Opens)[] counts = [(one, true), ("]" + one + "a", true), (TinyPickle.Tuple(one), false), (TinyPickle.Dict(one, one), false), ("]", false)];
        foreach (var (count, opens) in counts)
        {
            WriteSaying("partition_count", 1, count);
            Opens(opens, "*does not say into how many parts the weights are divided");
        }
    }

    private static string MemberOf(string type, string member) => TinyPickle.Global("builtins", "getattr") + TinyPickle.Tuple(type, TinyPickle.Text(member)) + "R";

    private void WriteSaying(string key, int number, string other)
    {
        WriteOne(TinyPickle.Text("module") + "}");
        var optimizer = TinyFolders.ZeroOptimizer("]" + TinyFolders.Vector + "a");
        _folder.Write("zero_pp_rank_0_mp_rank_00_optim_states.pt", TinyArchive.Of(
            optimizer.Replace(TinyPickle.Text(key) + TinyPickle.Int(number), TinyPickle.Text(key) + other, StringComparison.Ordinal)));
    }

    private void Opens(bool opens, string refusal)
    {
        var open = () => Checkpoint.Open(_folder.Path).Dispose();
        if (opens) open.Should().NotThrow();
        else open.Should().Throw<CheckpointException>().WithMessage(refusal);
    }

    [Fact]
    public void Names_of_buffers_that_are_no_list_are_refused()
    {
        WriteOne(TinyPickle.Text("module") + "}" + TinyPickle.Text("buffer_names") + TinyPickle.Text("pos ids"));

        FluentActions.Invoking(() => Checkpoint.Open(_folder.Path)).Should().Throw<CheckpointException>().WithMessage("*has buffer_names that are no list");
    }

    [Theory]
    [InlineData("module")]
    [InlineData("frozen_param_shapes")]
    [InlineData("frozen_param_fragments")]
    [InlineData("shared_params")]
    public void What_a_function_made_in_place_of_a_dictionary_is_refused(string member)
    {
        WriteOne(TinyPickle.Text(member) + TinyPickle.Call("typing", "OrderedDict"));

        Refusal.Of(_folder.Path, CheckpointError.Malformed, $"has '{member}', which is no dictionary");
    }

    [Fact]
    public void A_buffer_is_a_tensor_also_one_that_was_given_its_contents_later()
    {
        var buffer = TinyPickle.Call("torch", "FloatTensor") + TinyPickle.Tuple(TinyPickle.Storage("0", 4), TinyPickle.Int(0), TinyPickle.Ints(4), TinyPickle.Ints(1)) + "b";
        WriteOne(TinyPickle.Text("module") + TinyPickle.Dict(TinyPickle.Text("b"), buffer) + TinyPickle.Text("buffer_names") + "]" + TinyPickle.Text("b") + "a");
        using (var checkpoint = Checkpoint.Open(_folder.Path)) checkpoint.Entries.Select(e => e.Name).Should().BeEquivalentTo("v", "b");

        WriteOne(TinyPickle.Text("module") + TinyPickle.Dict(TinyPickle.Text("b"), TinyPickle.Int(7)) + TinyPickle.Text("buffer_names") + "]" + TinyPickle.Text("b") + "a");
        Refusal.Of(_folder.Path, CheckpointError.Malformed, "tensor 'b' is named as a buffer, and is no tensor");
    }

    // To Python numbers are names as well.
    [Theory]
    [InlineData("buffer_names", "]K\u0005a", "has buffer_names that are no texts")]
    [InlineData("shared_params", "}K\u0007X\u0001\0\0\0vs", "has 'shared_params' with names that are no texts")]
    [InlineData("frozen_param_fragments", "}U\u0002\u00c3\u00a9K\u0007s", "has 'frozen_param_fragments' with names that are no texts")]
    [InlineData("shared_params", "}X\u0001\0\0\0uK\u0007s", "has shared_params that are no texts")]
    public void Names_that_are_no_texts_are_refused(string member, string value, string problem)
    {
        WriteOne(TinyPickle.Text("module") + "}" + TinyPickle.Text("frozen_param_shapes") + "}" + TinyPickle.Text(member) + value);

        Refusal.Of(_folder.Path, CheckpointError.Malformed, problem);
    }

    // Whoever writes it in another format reads each part for each name.
    [Theory]
    [InlineData(4, true)]
    [InlineData(400, false)]
    public void Names_of_one_parameter_in_thousands_of_parts_are_counted(int names, bool opens)
    {
        const int parts = 10_000;
        var shared = TinyPickle.Dict([.. Enumerable.Range(0, names).SelectMany(i => (string[])[TinyPickle.Text($"t{i}"), TinyPickle.Text("v")])]);
        TinyFolders.WriteZero(
            _folder, TinyPickle.Text("param_shapes") + "]" + TinyPickle.Dict(TinyPickle.Text("v"), TinyPickle.Ints(parts * 4)) + "a" + TinyPickle.Text("shared_params") + shared);
        var groups = "](" + TinyFolders.Vector + "q\u0007" + string.Concat(Enumerable.Repeat("h\u0007", parts - 1)) + "e";
        var optimizer = TinyPickle.Dict(TinyPickle.Text("optimizer_state_dict"), TinyPickle.Dict(
            TinyPickle.Text("zero_stage"), TinyPickle.Int(3), TinyPickle.Text("partition_count"), TinyPickle.Int(1), TinyPickle.Text("fp32_flat_groups"), groups,
            TinyPickle.Text("pad"), TinyPickle.Text(new string('x', 1 << 20))));
        File.Delete(_folder["zero_pp_rank_0_mp_rank_00_optim_states.pt"]);
        File.Move(_folder["mp_rank_00_model_states.pt"], _folder["zero_pp_rank_0_mp_rank_00_model_states.pt"]);
        _folder.Write("zero_pp_rank_0_mp_rank_00_optim_states.pt", TinyArchive.Of(optimizer));

        if (opens) Checkpoint.Open(_folder.Path).Dispose();
        else Refusal.Of(_folder.Path, CheckpointError.LimitExceeded, "takes more work to read");
    }

    // DeepSpeed's script maps the file.
    [Fact]
    public void Vectors_that_are_compressed_are_refused()
    {
        WriteOne();
        _folder.Write("zero_pp_rank_0_mp_rank_00_optim_states.pt", TinyArchive.Deflated(TinyFolders.ZeroOptimizer("]" + TinyFolders.Vector + "a"), new byte[16]));

        Refusal.Of(_folder.Path, CheckpointError.Unsupported, "is compressed in its archive");
    }

    [Fact]
    public void What_a_function_makes_of_all_of_it_is_refused_and_no_other_formats()
    {
        TinyFolders.WriteZero(_folder, TinyPickle.Text("param_shapes") + TinyPickle.Call("builtins", "tuple", "]" + TinyPickle.Dict(TinyPickle.Text("v"), TinyPickle.Ints(4)) + "a"));
        Refusal.Of(_folder.Path, CheckpointError.Malformed, "param_shapes");

        WriteOne();
        _folder.Write("zero_pp_rank_0_mp_rank_00_optim_states.pt", TinyArchive.Of(TinyPickle.Call("collections", "UserDict", "}")));
        Refusal.Of(_folder.Path, CheckpointError.Malformed, "has ZeRO's name, and what it holds is made by a function");
    }

    [Fact]
    public void A_frozen_parameter_of_nothing_has_its_own_dtype()
    {
        var nothing = TinyPickle.Tensor(TinyPickle.Storage("0", 8, "BFloat16Storage"), 0, [0], [1]);
        var frozen = TinyPickle.Text("frozen_param_shapes") + TinyPickle.Dict(TinyPickle.Text("f"), TinyPickle.Ints(0))
            + TinyPickle.Text("frozen_param_fragments") + TinyPickle.Dict(TinyPickle.Text("f"), nothing);
        WriteRank(0, 4, 4, frozen);
        WriteRank(1, 4, 4, frozen);

        using var checkpoint = Checkpoint.Open(_folder.Path);
        checkpoint.Entries.Single(entry => entry.Name == "f").DType.Should().Be(DType.BFloat16);
    }

    private void WriteRank(int rank, int first, int second, string states = "")
    {
        var groups = "](" + Vector("0", first) + Vector("1", second) + "e";
        var optimizer = TinyPickle.Dict(TinyPickle.Text("optimizer_state_dict"), TinyPickle.Dict(
            TinyPickle.Text("zero_stage"), TinyPickle.Int(3), TinyPickle.Text("partition_count"), TinyPickle.Int(2), TinyPickle.Text("fp32_flat_groups"), groups));
        _folder.Write($"zero_pp_rank_{rank}_mp_rank_00_optim_states.pt", TinyArchive.Of(
            ("a/data.pkl", TinyPickle.File(optimizer)), ("a/data/0", new byte[4 * first]), ("a/data/1", new byte[4 * second])));
        var shapes = "](" + TinyPickle.Dict(TinyPickle.Text("v"), TinyPickle.Ints(8)) + TinyPickle.Dict(TinyPickle.Text("w"), TinyPickle.Ints(8)) + "e";
        _folder.Write($"zero_pp_rank_{rank}_mp_rank_00_model_states.pt", TinyArchive.Of("}(" + TinyPickle.Text("param_shapes") + shapes + states + "u"));

        static string Vector(string key, int count) => TinyPickle.Tensor(TinyPickle.Storage(key, count), 0, [count], [1]);
    }

    [Fact]
    public void A_rank_that_is_missing_is_told()
    {
        foreach (var file in Directory.GetFiles(Fixtures.Path("folders/zero-2")).Where(f => !f.Contains("rank_3_"))) _folder.CopyOf(file);

        Refusal.Of(_folder.Path, CheckpointError.Malformed, "has 3 files *_optim_states.pt, but the weights are divided over 4: copy the files of all ranks");
    }
}
