using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Forward;
using Loadline.Measuring;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Forward;

/// <summary>What a forward says of a checkpoint: right, wrong, or nothing that can be computed.</summary>
public class ForwardVerificationTests
{
    [Fact]
    public void The_five_largest_logits_are_in_the_report_and_the_recorded_ones_hold()
    {
        var (exitCode, events) = TinyGpt2.Measure(Fixtures.Path("gpt2-tiny.pth"));

        exitCode.Should().Be(ExitCodes.Loaded);
        var forward = events.OfType<LoadReport>().Single().Forward!;
        forward.Input.Should().ContainSingle().Which.Should().Equal(1, 2, 3);
        forward.Top.Select(top => top.Index).Should().Equal(91, 3, 45, 13, 74);
        forward.Top[0].Logit.Should().BeApproximately(1.3935572f, 1e-5f);
        events[^1].Should().BeOfType<VerifiedEvent>().Which.Against.Should().MatchRegex("^the recorded logits: at most [0-9.]+e-[67] of the largest apart; of tok_emb.weight and pos_emb.weight 3 rows each, of a mask 3 by 3$");
        events.OfType<PhaseEvent>().Select(p => p.Phase).Should().Equal("open", "skeleton", "read", "assign", "verify");
    }

    [Fact]
    public void Without_recorded_logits_they_have_to_be_finite()
    {
        var (exitCode, events) = TinyGpt2.Measure(Fixtures.Path("gpt2-tiny-sharded"));

        exitCode.Should().Be(ExitCodes.Loaded);
        events[^1].Should().Be(new VerifiedEvent(56, 110_112, "no recorded logits: all are finite; of tok_emb.weight and pos_emb.weight 3 rows each, of a mask 3 by 3"));
    }

    [Fact]
    public void What_is_said_to_take_no_part_takes_none_and_all_else_does()
    {
        using var folder = new TemporaryFolder();
        string Verified(string name, int first)
        {
            // From a row on, or from a column of a mask's first row on, no element is a number.
            var path = TinyGpt2.Write(folder, (entry, bytes) =>
            {
                if (entry.Name == name) MemoryMarshal.Cast<byte, float>(bytes.AsSpan())[first..].Fill(float.NaN);
                return entry.Name.EndsWith(".mask", StringComparison.Ordinal) && !name.EndsWith(".mask", StringComparison.Ordinal) ? null : (entry.DType, bytes);
            });
            return TinyGpt2.Measure(path).Events[^1] is VerifiedEvent verified ? verified.Against : "";
        }

        const string rows = "no recorded logits: all are finite; of tok_emb.weight and pos_emb.weight 3 rows each";
        Verified("tok_emb.weight", 24 * 4).Should().Be(rows);
        Verified("tok_emb.weight", 24 * 4 - 1).Should().BeEmpty();
        Verified("pos_emb.weight", 24 * 3).Should().Be(rows);
        Verified("pos_emb.weight", 24 * 3 - 1).Should().BeEmpty();
        Verified("out_head.weight", 24 * 97 - 1).Should().BeEmpty();
        Verified("trf_blocks.0.att.mask", 16 * 2 + 3).Should().Be(rows + ", of a mask 3 by 3");
    }

    [Fact]
    public void All_of_a_table_takes_part_where_it_is_the_head_too()
    {
        var storage = new StorageEntry("a", 0, 400);
        TensorEntry Table(string name, StorageEntry of) => new(name, DType.Float32, [97, 1], [1, 1], 0, of);
        string Against(params TensorEntry[] entries) => new LogitsVerifier("none", entries).Verify(new Logits(new Matrix(3, 97))).Against;

        Against(Table("tok_emb.weight", storage), Table("out_head.weight", storage)).Should().Be("no recorded logits: all are finite");
        Against(Table("model.embed_tokens.weight", storage), Table("lm_head.weight", storage with { Position = 400 }))
            .Should().Be("no recorded logits: all are finite; of model.embed_tokens.weight 3 rows");
        Against(Table("tok_emb.weight", storage), Table("pos_emb.weight", storage))
            .Should().Be("no recorded logits: all are finite; of tok_emb.weight and pos_emb.weight 3 rows each", "what else lies over a table is no head");
    }

    [Theory]
    [InlineData("bfloat16", 55_056)]
    [InlineData("float16", 55_056)]
    [InlineData("float64", 220_224)]
    [InlineData("float32", 110_112)]
    [InlineData("pos_emb.*=bfloat16", 109_344)]
    public void What_is_loaded_as_another_dtype_is_held_to_what_that_allows(string dtype, long bytes)
    {
        var (exitCode, events) = TinyGpt2.Measure(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { DType = TargetDType.Parse(dtype) });

        exitCode.Should().Be(ExitCodes.Loaded);
        var verified = events[^1].Should().BeOfType<VerifiedEvent>().Which;
        (verified.Bytes, verified.Against[..20]).Should().Be((bytes, "the recorded logits:"));
    }

    [Fact]
    public void One_changed_weight_is_told_from_recorded_logits()
    {
        using var folder = new TemporaryFolder();
        var path = WithWeight(folder, "trf_blocks.1.ff.layers.0.weight", 1.5f);
        File.Copy(Fixtures.Path("gpt2-tiny.logits.json"), folder["gpt2.logits.json"]);

        var (exitCode, events) = TinyGpt2.Measure(path);

        exitCode.Should().Be(ExitCodes.VerificationFailed);
        events.OfType<LoadReport>().Should().ContainSingle();
        events[^1].Should().BeOfType<FailedEvent>().Which.Message.Should()
            .Match($"{path}: logit * of position * is *, but {folder["gpt2.logits.json"]} has *: * of the largest apart, allowed is 1.0e-4");
    }

    [Fact]
    public void A_weight_that_is_no_number_fails_without_any_record()
    {
        using var folder = new TemporaryFolder();
        var path = WithWeight(folder, "trf_blocks.2.norm1.scale", float.NaN);

        var (exitCode, events) = TinyGpt2.Measure(path);

        exitCode.Should().Be(ExitCodes.VerificationFailed);
        events.OfType<LoadReport>().Single().Forward.Should().BeNull();
        events[^1].Should().BeOfType<FailedEvent>().Which.Message.Should().Be($"{path}: logit 0 of position 0 is NaN: the weights are damaged, or were never trained");
    }

    [Theory]
    [InlineData("tied.pth", "tensor 'pos_emb.weight' is missing; --verify forward computes GPT-2 as `loadline make` names it, and nothing else")]
    [InlineData("training.pth", "tensor 'tok_emb.weight' is missing; *")]
    public void What_is_no_GPT2_is_refused(string fixture, string problem) => Refused(Fixtures.Path(fixture)).Should().Match($"{Fixtures.Path(fixture)}: {problem}");

    [Fact]
    public void A_missing_tensor_is_named()
    {
        using var folder = new TemporaryFolder();
        var path = TinyGpt2.Write(folder, (entry, bytes) => entry.Name == "trf_blocks.1.ff.layers.2.bias" ? null : (entry.DType, bytes));

        Refused(path).Should().StartWith($"{path}: tensor 'trf_blocks.1.ff.layers.2.bias' is missing; ");
    }

    // A table of such numbers is a list: all have one hash there.
    [Fact]
    public void Layers_that_no_model_has_are_refused_without_a_table_of_them()
    {
        using var folder = new TemporaryFolder();
        var tables = new[] { new TensorDeclaration("tok_emb.weight", DType.Float32, [4, 64]), new TensorDeclaration("pos_emb.weight", DType.Float32, [3, 64]) };
        var path = folder["layers.safetensors"];

        Write([0, .. Enumerable.Range(1, 40_000).Select(n => n * 36_353)]);
        Refused(path).Should().StartWith($"{path}: tensor 'trf_blocks.1.norm1.scale' is missing; ");
        Write([.. Enumerable.Range(0, 1025)]);
        Refused(path).Should().StartWith($"{path}: tensor 'trf_blocks.1024.norm1.scale' is of one block too many: the most that is computed is 1024; ");
        Write([.. Enumerable.Range(0, 3)]);
        Refused(path).Should().StartWith($"{path}: tensor 'trf_blocks.2.norm1.scale' is one of 3 blocks, which 5 tensors cannot fill; ");

        void Write(IEnumerable<int> layers)
        {
            using var writer = CheckpointWriter.Create(path, CheckpointFormat.Safetensors, [.. tables, .. layers.Select(n => new TensorDeclaration($"trf_blocks.{n}.a", DType.Float32, [0]))]);
            foreach (var table in tables) writer.Write(new byte[table.Shape.Aggregate(4L, (bytes, length) => bytes * length)]);
            writer.Commit();
        }
    }

    [Fact]
    public void A_layer_that_is_left_out_is_named()
    {
        using var folder = new TemporaryFolder();
        var path = TinyGpt2.Write(folder, (entry, bytes) => entry.Name.StartsWith("trf_blocks.1.", StringComparison.Ordinal) ? null : (entry.DType, bytes));

        Refused(path).Should().StartWith($"{path}: tensor 'trf_blocks.1.norm1.scale' is missing; ");
    }

    [Theory]
    [InlineData(3)]
    [InlineData((1L << 32) + 97)]
    public void A_bias_that_the_article_does_not_have_is_computed_with_only_where_it_fits(long size)
    {
        using var folder = new TemporaryFolder();
        var path = folder["sparse.safetensors"];
        using (var source = Checkpoint.Open(Fixtures.Path("gpt2-tiny.safetensors")))
        {
            var declared = source.Entries.Select(e => new TensorDeclaration(e.Name, e.DType, e.Shape)).Append(new("out_head.bias", DType.Float32, [size])).ToList();
            using var writer = CheckpointWriter.Create(path, CheckpointFormat.Safetensors, declared, sparse: true);
            writer.WriteHole(declared.Sum(t => t.ByteCount));
            writer.Commit();
        }

        Refused(path).Should().StartWith($"{path}: tensor 'out_head.bias' has shape [{size}], expected [97]; ");
    }

    [Fact]
    public void A_dtype_that_is_not_computed_is_named()
    {
        using var folder = new TemporaryFolder();
        var path = TinyGpt2.Write(folder, (entry, bytes) => entry.Name == "final_norm.shift" ? (DType.Int32, bytes) : (entry.DType, bytes));

        Refused(path).Should().StartWith($"{path}: tensor 'final_norm.shift' is int32, what is computed is float32, bfloat16 and float16; ");
    }

    [Fact]
    public void Heads_that_are_not_64_wide_have_to_be_told() =>
        Refused(Fixtures.Path("gpt2-tiny.pth"), heads: null).Should().EndWith("gpt2-tiny.pth: is 24 wide, no multiple of 64: say with --heads how many heads there are");

    [Theory]
    [InlineData(5)]
    [InlineData(0)]
    public void Heads_that_cannot_share_the_width_are_refused(int heads) =>
        Refused(Fixtures.Path("gpt2-tiny.pth"), heads: heads).Should().EndWith($"gpt2-tiny.pth: is 24 wide, which {heads} heads cannot share");

    [Fact]
    public void Weights_on_an_accelerator_are_refused_before_they_are_loaded() =>
        Refused(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Device = Device.Sim(ByteSize.GiB) })
            .Should().Be("a forward computes on the cpu, not on sim:1GiB: load with --device cpu");

    [Theory]
    [InlineData("{", "holds no logits: *")]
    [InlineData("""{"input": [[1, 2, 3]], "logits": [[1e39]]}""", "holds no logits: a number is too large for float32")]
    [InlineData("""{"input": [[1, 2, 3]], "logits": [[1]], "logits": [[2]]}""", "holds no logits: 'logits' stands there twice")]
    [InlineData("""{"input": [[1, 2]], "logits": []}""", "holds no logits: they are of another input than [[1, 2, 3]]")]
    [InlineData("""{"logits": [[[1], [2], [3], [4]]], "input": [[1, 2, 3, 4]]}""", "holds no logits: they are of another input than [[1, 2, 3]]")]
    [InlineData("""{"logits": [], "input": [[[1, 2, 3], [1, 2, 3]]]}""", "holds no logits: they are of another input than [[1, 2, 3]]")]
    [InlineData("""{"input": [[1, 2, 3]], "logits": [["x"]]}""", "holds no logits: *")]
    public void A_record_that_holds_no_logits_is_refused(string json, string problem)
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("gpt2-tiny.pth"));
        File.WriteAllText(path + ".logits.json", json);

        Refused(path).Should().Match($"{path}.logits.json: {problem}");
    }

    // What stands beyond the vocabulary or the positions is counted, and not read: it is as much work as the forward is good for.
    [Theory]
    [InlineData("[0.5], [0.5], [0.5]", "3 rows of 1 logits")]
    [InlineData("[0.5, NUMBERS, 1e39, [], {}], [0.5], [0.5]", "3 rows of 101 logits")]
    [InlineData("[NUMBERS], [NUMBERS], [NUMBERS], [1e39], []", "5 rows of 97 logits")]
    [InlineData("[NUMBERS], [NUMBERS], [0.5, NUMBERS]", "3 rows of 97 logits")]
    public void A_record_of_another_vocabulary_is_a_difference(string rows, string found)
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("gpt2-tiny.pth"));
        File.WriteAllText(path + ".logits.json", $$"""{"input": [[1, 2, 3]], "logits": [[{{rows.Replace("NUMBERS", string.Join(", ", Enumerable.Repeat("0.5", 97)))}}]]}""");

        var (exitCode, events) = TinyGpt2.Measure(path);

        exitCode.Should().Be(ExitCodes.VerificationFailed);
        events[^1].Should().BeOfType<FailedEvent>().Which.Message.Should().EndWith($"has {found}, the forward 3 of 97");
    }

    private static string Refused(string path, LoadOptions? load = null, int? heads = TinyGpt2.Heads)
    {
        var (exitCode, events) = TinyGpt2.Measure(path, load, heads);
        exitCode.Should().Be(ExitCodes.Refused);
        return events[^1].Should().BeOfType<FailedEvent>().Which.Message;
    }

    private static string WithWeight(TemporaryFolder folder, string name, float value) => TinyGpt2.Write(folder, (entry, bytes) =>
    {
        if (entry.Name == name) MemoryMarshal.Cast<byte, float>(bytes.AsSpan())[7] = value;
        return (entry.DType, bytes);
    });
}
