using Loadline.Checkpoints;
using Loadline.Checkpoints.Selection;

namespace Loadline.Unit.Checkpoints.Selection;

public sealed class EntrySelectionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Included_tensors_are_taken_without_the_excluded_ones()
    {
        using var checkpoint = Open("gpt2-tiny.pth", new() { Include = ["trf_blocks.0.*", "out_head.*"], Exclude = ["*.bias", "*.mask"] });

        checkpoint.Entries.Should().OnlyContain(e => e.Name.StartsWith("trf_blocks.0.") || e.Name == "out_head.weight").And.NotContain(e => e.Name.EndsWith(".bias"));
        checkpoint.StorageBytes.Should().Be(checkpoint.Entries.Sum(e => e.ByteCount));
        checkpoint.TryFind("tok_emb.weight", out _).Should().BeFalse();
    }

    [Fact]
    public void Lists_that_nobody_made_are_empty_and_patterns_that_are_null_are_refused()
    {
        new EntrySelection { Include = default, Exclude = default, Rename = default }.Should().Be(EntrySelection.All);
        foreach (var names in (EntrySelection[])[new() { Include = [null!] }, new() { Exclude = [null!] }, new() { Rename = [null!] }])
            FluentActions.Invoking(() => Open("gpt2-tiny.pth", names)).Should().Throw<FormatException>().WithMessage("*null*");
    }

    [Fact]
    public void A_pattern_that_fits_nothing_is_refused_and_one_that_leaves_nothing_too()
    {
        Refusal("gpt2-tiny.pth", new() { Include = ["out_head.*", "encoder.*"] }).Should().Contain("no tensor whose name fits 'encoder.*', which is to be included: names begin with ");
        Refusal("gpt2-tiny.pth", new() { Exclude = ["*"] }).Should().Contain("has no tensor left of its").And.Contain("--exclude *");
        Refusal("gpt2-tiny.pth", new() { Rename = ["encoder.*=*"] }).Should().Contain("the left side of the rule 'encoder.*=*': names begin with ").And.Contain("trf_blocks");
        Refusal("gpt2-tiny.pth", new() { Strip = "module" }).Should().Contain("no tensor whose name starts with 'module.', which is to be taken off: names begin with ");
    }

    [Fact]
    public void Names_that_meet_are_refused_by_both_of_the_files_names()
    {
        Refusal("tied.pth", new() { Rename = ["tok_emb.weight=w", "out_head.weight=w"] })
            .Should().Contain("'out_head.weight' would be called 'w', as 'tok_emb.weight' is").And.Contain("exclude one of the two, or rename it");
    }

    [Fact]
    public void A_prefix_is_taken_off_the_names_that_have_it_and_then_rules_apply()
    {
        using var checkpoint = Open("training.pth", new() { Strip = "model", Rename = ["optimizer.*=o/*"] });

        checkpoint.Entries.Select(e => (e.Name, e.StoredName)).Should().Equal(("w", "model.w"), ("o/state.0.exp_avg", "optimizer.state.0.exp_avg"));
    }

    [Fact]
    public void Ties_stay_ties_and_one_of_them_alone_keeps_the_storage()
    {
        using var both = Open("tied.pth", new() { Rename = ["tok_emb.*=embedding.*"] });
        using var one = Open("tied.pth", new() { Include = ["out_head.weight"] });

        both.Storages.Should().ContainSingle();
        both.Entries.Should().OnlyContain(e => e.Storage == both.Storages[0]);
        one.Entries.Should().ContainSingle().Which.CoversStorage.Should().BeTrue();
        one.StorageBytes.Should().Be(60);
    }

    [Fact]
    public void Of_a_storage_whose_other_views_are_left_out_only_what_is_viewed_is_there()
    {
        using var all = Checkpoint.Open(Fixtures.Path("views.pth"));
        foreach (var entry in all.Entries)
        {
            using var one = Open("views.pth", new() { Include = [entry.Name] });
            var taken = one.Entries.Should().ContainSingle().Which;
            var viewed = Shapes.Reach(entry.Shape.AsSpan(), entry.Strides.AsSpan()) * entry.DType.BytesPerElement;

            taken.Storage.Bytes.Should().BeInRange(viewed, viewed + 16);
            NaiveBytes.Read(one, taken).Should().Equal(NaiveBytes.Read(all, entry), entry.Name);
        }
    }

    [Fact]
    public void Views_that_overlap_go_on_sharing_and_those_that_do_not_no_longer_do()
    {
        using var overlapping = Open("views.pth", new() { Include = ["rows", "columns"] });
        overlapping.Storages.Should().ContainSingle();

        var path = Write(("a", 0, 4), ("b", 4, 4), ("c", 8, 4));
        using var apart = Checkpoint.Open(path, new EntrySelection { Exclude = ["b"] });
        apart.Storages.Select(s => s.Bytes).Should().Equal(16, 16);
        apart.Entries.Select(e => BitConverter.ToSingle(NaiveBytes.Read(apart, e))).Should().Equal(0, 8);
    }

    [Fact]
    public void A_sharded_checkpoint_keeps_the_files_that_are_read()
    {
        using var all = Checkpoint.Open(Fixtures.Path("gpt2-tiny-sharded"));
        using var some = Open("gpt2-tiny-sharded", new() { Include = ["tok_emb.weight"] });

        all.Files.Count.Should().BeGreaterThan(1);
        some.Files.Should().Equal(some.Entries[0].Storage.File);
    }

    [Fact]
    public void As_arguments_it_is_read_back_and_equal()
    {
        var selection = new EntrySelection { Include = ["a.*", "b"], Exclude = ["*.c"], Rename = ["a.*=*"], Strip = "auto" };

        selection.Arguments.Should().Equal("--include", "a.*,b", "--exclude", "*.c", "--rename", "a.*=*", "--strip", "auto");
        EntrySelection.Parse("a.*,b", "*.c", "a.*=*", "auto").Should().Be(selection);
        EntrySelection.Parse(null, null, null, null).Should().Be(EntrySelection.All);
        FluentActions.Invoking(() => EntrySelection.Parse("a,,b", null, null, null)).Should().Throw<FormatException>().WithMessage("*empty pattern*");
    }

    [Fact]
    public void What_was_selected_once_is_not_selected_again()
    {
        var selection = new EntrySelection { Strip = "model" };
        using var checkpoint = Open("training.pth", selection);

        checkpoint.Select(selection with { }).Should().BeSameAs(checkpoint);
        checkpoint.Select(EntrySelection.All).Should().BeSameAs(checkpoint);
        FluentActions.Invoking(() => checkpoint.Select(new() { Strip = "w" })).Should().Throw<InvalidOperationException>();
    }

    [Theory]
    [InlineData("w,b", "w,b")]
    [InlineData("module.w,module.b", "w,b")]
    [InlineData("state_dict.model._orig_mod.w,state_dict.model._orig_mod.b,optimizer_states.0.m", "w,b")]
    [InlineData("model.encoder._orig_mod.w,model.b", "encoder.w,b")]
    [InlineData("model.w,ema.w,optimizer.0.m,scaler.scale", "w")]
    [InlineData("ema_state_dict.w,optimizer.0.m", "w")]
    [InlineData("params_ema.w", "w")]
    [InlineData("params.w,params_ema.w", "w")]
    [InlineData("model.layers.0.w,model.norm.w,lm_head.w", "model.layers.0.w,model.norm.w,lm_head.w")]
    [InlineData("my_orig_mod.w", "my_orig_mod.w")]
    [InlineData("a._orig_mod._orig_mod._fsdp_wrapped_module._orig_mod.w,_forward_module.a._orig_mod", "a.w,a._orig_mod")]
    public void Auto_finds_what_training_put_around_a_model(string names, string expected)
    {
        var path = Write([.. names.Split(',').Select((name, i) => (name, 4 * i, 1))]);
        using var checkpoint = Checkpoint.Open(path, new EntrySelection { Strip = "auto" });

        checkpoint.Entries.Select(e => e.Name).Should().Equal(expected.Split(','));
    }

    [Fact]
    public void Auto_leaves_out_the_values_of_the_optimizer_with_its_tensors_and_keeps_those_of_the_model()
    {
        using var all = Open("training.pth", EntrySelection.All);
        using var model = Open("training.pth", new() { Strip = "auto" });

        all.Metadata.Keys.Should().Contain(key => key.StartsWith("optimizer."));
        model.Metadata.Keys.Should().BeEquivalentTo("epoch", "config.lr", "config.note");
    }

    [Fact]
    public void Auto_goes_by_the_models_names_where_they_are_known()
    {
        var path = Write(("wrapped.net.model.w", 0, 1), ("wrapped.net.model.b", 4, 1), ("wrapped.other", 8, 1));
        using var checkpoint = Checkpoint.Open(path);

        checkpoint.FindPrefix(["w", "b"]).Should().Be("wrapped.net.model.");
        checkpoint.FindPrefix(["w", "c"]).Should().BeNull();
        checkpoint.FindPrefix(["wrapped.other"]).Should().BeNull();
        checkpoint.Select(new() { Strip = "auto" }, ["model.w", "model.b"]).Entries.Select(e => e.Name).Should().Equal("model.w", "model.b");
    }

    private static Checkpoint Open(string fixture, EntrySelection selection) => Checkpoint.Open(Fixtures.Path(fixture), selection);

    private static string Refusal(string fixture, EntrySelection selection)
    {
        var refusal = FluentActions.Invoking(() => Open(fixture, selection)).Should().Throw<CheckpointException>().Which;
        refusal.Error.Should().Be(CheckpointError.Mismatch);
        return refusal.Message;
    }

    // A storage of float32 with its own indices, and views of it.
    private string Write(params (string Name, int First, int Count)[] views) => FlatStorage.Write(_folder["flat.pth"], views);
}
