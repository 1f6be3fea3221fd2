using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Forward.Models;
using Loadline.Measuring;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;
using Loadline.Unit.Checkpoints.Pth;
using Loadline.Unit.Strategies;

namespace Loadline.Unit.Reading;

public class TargetDTypeTests
{
    public static TheoryData<string, string> OnEachDevice => new(
        from strategy in StrategyCatalog.All
        from device in (string[])["cpu", "sim:1GiB"]
        select (strategy.Name, device));

    [Theory]
    [InlineData("bfloat16")]
    [InlineData("auto")]
    [InlineData("float16,lm_head.*=float32")]
    [InlineData("auto,a=float32,b=c=bfloat16")]
    [InlineData("*.bias=float64")]
    public void What_is_read_is_written_the_same(string text) => TargetDType.Parse(text).ToString().Should().Be(text);

    [Theory]
    [InlineData("")]
    [InlineData("half")]
    [InlineData("int8")]
    [InlineData("float8_e4m3fn")]
    [InlineData("float16,bfloat16")]
    [InlineData("a=float32,bfloat16")]
    [InlineData("bfloat16,=float32")]
    [InlineData("bfloat16,a=auto")]
    [InlineData("bfloat16,")]
    public void What_is_no_dtype_is_refused_with_what_there_is(string text) =>
        FluentActions.Invoking(() => TargetDType.Parse(text)).Should().Throw<FormatException>().WithMessage(
            $"'{text}' is no dtype to load as: known are float32, float16, bfloat16, float64, auto, and for some names another, as in bfloat16,lm_head.*=float32");

    [Fact]
    public void In_code_a_dtype_is_enough_and_names_are_added()
    {
        TargetDType target = DType.BFloat16;

        target.With("lm_head.*", DType.Float32).Should().Be(TargetDType.Parse("bfloat16,lm_head.*=float32"));
        FluentActions.Invoking(() => (TargetDType)DType.Int8).Should().Throw<ArgumentException>().WithMessage("nothing is converted to int8*");
        FluentActions.Invoking(() => target.With("a,b", DType.Float32)).Should().Throw<ArgumentException>().WithMessage("'a,b' is no pattern*");
    }

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void Some_names_get_another_dtype_and_the_first_pattern_that_fits_counts(string strategy, string device)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.safetensors"));
        using var model = Load(checkpoint, strategy, device, "bfloat16,trf_blocks.?.norm1.*=float32,trf_blocks.*=float16");

        foreach (var entry in checkpoint.Entries)
        {
            var expected = entry.Name.Contains("norm1") ? DType.Float32 : entry.Name.StartsWith("trf_blocks.") ? DType.Float16 : DType.BFloat16;
            model[entry.Name].DType.Should().Be(expected, entry.Name);
            model[entry.Name].ShouldHold(NaiveLoader.Read(entry, expected));
        }
    }

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void Ties_stay_ties_unless_their_names_get_different_dtypes(string strategy, string device)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("tied.pth"));
        using var tied = Load(checkpoint, strategy, device, "bfloat16");
        using var untied = Load(checkpoint, strategy, device, "bfloat16,out_head.*=float16");

        tied["out_head.weight"].Storage.Should().BeSameAs(tied["tok_emb.weight"].Storage);
        (untied["tok_emb.weight"].DType, untied["out_head.weight"].DType).Should().Be((DType.BFloat16, DType.Float16));
        foreach (var entry in checkpoint.Entries) untied[entry.Name].ShouldHold(NaiveLoader.Read(entry, untied[entry.Name].DType));
    }

    [Theory]
    [InlineData("views.pth")]
    [InlineData("odd/views-of-cube.pth")]
    public void Views_of_a_storage_that_is_converted_as_a_whole_go_on_sharing_it(string fixture)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        using var model = Load(checkpoint, "mmap-assign", "cpu", "bfloat16");

        model.Values.Select(t => t.Storage).Distinct().Should().HaveSameCount(checkpoint.Storages);
        foreach (var entry in checkpoint.Entries) model[entry.Name].Strides.Should().Equal(entry.Strides);
    }

    [Fact]
    public void What_has_the_dtype_already_stays_mapped_and_the_plan_says_what_cannot()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.safetensors"));
        var options = new LoadOptions { DType = TargetDType.Parse("*.weight=bfloat16") };
        var converted = checkpoint.Entries.Where(e => e.Name.EndsWith(".weight")).ToList();
        var engine = new NativeEngine();

        using var model = Loader.Load(checkpoint, options, engine);
        var planned = Planner.Plan(checkpoint, options).Strategies.Single(s => s.Strategy == "mmap-assign");

        model.Where(t => !t.Value.IsMapped).Select(t => t.Key).Should().Equal(converted.Select(e => e.Name));
        engine.Host.CurrentBytes.Should().Be(converted.Sum(e => e.ByteCount / 2));
        planned.HostBytes.Should().Be(engine.Host.CurrentBytes + ReadSizes.ConversionBytes + WorkerMemory.Of(EngineNames.Native).OwnBytes);
        planned.Why.Should().EndWith($"; {ByteSize.Format(engine.Host.CurrentBytes)} get another dtype and cannot stay mapped");
    }

    [Fact]
    public void A_compressed_checkpoint_can_be_loaded_by_mapping_once_all_of_it_is_converted()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/deflated.pth"));
        var options = new LoadOptions { DType = DType.BFloat16 };

        Planner.Plan(checkpoint, options).Strategies.Single(s => s.Strategy == "mmap-assign").Fits.Should().BeTrue();
        using var model = Loader.Load(checkpoint, options, new NativeEngine());

        model.Values.Should().OnlyContain(t => t.DType == DType.BFloat16 && !t.IsMapped);
    }

    [Fact]
    public void Auto_is_the_dtype_of_the_first_floating_point_tensor_that_is_not_float8()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/dtypes-v3.pth"));
        using var mixed = Checkpoint.Open(Fixtures.Path("dtypes.pth"));

        TargetDType.Auto.In(checkpoint).Should().Be(TargetDType.Auto, "float8 is all there is, and nothing is converted to it");
        TargetDType.Auto.In(mixed).ToString().Should().Be("float32");
    }

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void A_value_that_is_too_large_is_refused_with_its_tensor_and_everything_freed(string strategy, string device)
    {
        using var folder = new TemporaryFolder();
        var path = Large(folder);
        var engine = new NativeEngine();
        using var checkpoint = Checkpoint.Open(path);

        var load = () => Loader.Load(checkpoint, Options(strategy, device, "float16"), engine);

        load.Should().Throw<CheckpointException>().WithMessage(
            $"{path}: tensor 'large' holds 70000, which is too large for float16: choose another dtype, or another one for this tensor, as in float16,NAME=float32");
        (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0));
    }

    [Theory]
    [InlineData("bfloat16,lm_haed.*=float32", "has no floating-point tensor whose name fits 'lm_haed.*': loadline inspect lists the names")]
    [InlineData("int8=float32", "has no floating-point tensor whose name fits 'int8': loadline inspect lists the names")]
    public void A_pattern_that_fits_nothing_is_refused(string dtype, string problem)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("dtypes.pth"));

        FluentActions.Invoking(() => Load(checkpoint, "streamed", "cpu", dtype)).Should().Throw<CheckpointException>().WithMessage($"*dtypes.pth: {problem}");
        FluentActions.Invoking(() => Planner.Plan(checkpoint, Options("streamed", "cpu", dtype))).Should().Throw<CheckpointException>().WithMessage($"*{problem}");
    }

    // Also where it is first asked how much room each tensor takes.
    [Theory]
    [InlineData("streamed", "cpu")]
    [InlineData("streamed", "sim:1MiB")]
    [InlineData("device-map", "cpu")]
    [InlineData("device-map", "sim:1MiB")]
    public void What_cannot_be_converted_is_refused_by_name(string strategy, string device)
    {
        using var folder = new TemporaryFolder();
        var path = folder["f4.safetensors"];
        var header = """{"w":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}"""u8.ToArray();
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)header.Length), .. header, 0]);
        using var checkpoint = Checkpoint.Open(path);

        FluentActions.Invoking(() => Load(checkpoint, strategy, device, "bfloat16")).Should().Throw<CheckpointException>()
            .WithMessage($"{path}: tensor 'w' of float4_e2m1 cannot be converted to bfloat16: load it without a dtype");
    }

    [Fact]
    public void A_model_that_wants_a_dtype_takes_what_is_converted_to_it()
    {
        var wants = Gpt2.Create("gpt2-tiny", DType.BFloat16, vocabulary: 97, context: 16, width: 24, layers: 3);
        var options = new LoadOptions { Strategy = "streamed", Model = wants };

        using var model = Loader.Load(Fixtures.Path("gpt2-tiny.pth"), options with { DType = DType.BFloat16 });

        model.Values.Should().OnlyContain(t => t.DType == DType.BFloat16);
        FluentActions.Invoking(() => Loader.Load(Fixtures.Path("gpt2-tiny.pth"), options)).Should().Throw<CheckpointException>().WithMessage("*is float32; model gpt2-tiny expects bfloat16");
    }

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void Wrong_weights_do_not_pass_verification_and_right_ones_do(string strategy, string device)
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("gpt2-tiny.safetensors"));
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.safetensors"));
        using var changed = Checkpoint.Open(path);
        using var right = Load(checkpoint, strategy, device, "bfloat16");
        using var wrong = Load(changed, strategy, device, "bfloat16");
        var verifier = new WeightVerifier(checkpoint, readers: 2);

        verifier.Verify(right, checkpoint.Entries).Should().Be(new VerifiedEvent(56, 55_056, "the recorded digests, converted one element at a time"));
        FluentActions.Invoking(() => verifier.Verify(wrong, checkpoint.Entries)).Should().Throw<VerificationException>();
        new WeightVerifier(changed, readers: 2).Verify(wrong, changed.Entries).Against.Should().Be("a naive reading of the file, converted one element at a time");
    }

    // More than one piece of the conversion, with the value in the last.
    private static string Large(TemporaryFolder folder)
    {
        var path = folder["large.safetensors"];
        var values = new float[300_000];
        values[^1] = 70_000;
        var bytes = MemoryMarshal.AsBytes(values.AsSpan());
        using var writer = CheckpointWriter.Create(
            path, CheckpointFormat.Safetensors, [new TensorDeclaration("small", DType.Float32, [1]), new TensorDeclaration("large", DType.Float32, [values.Length])]);
        writer.Write(new byte[4]);
        writer.Write(bytes);
        writer.Commit();
        return path;
    }

    private static Model Load(Checkpoint checkpoint, string strategy, string device, string dtype) =>
        Loader.Load(checkpoint, Options(strategy, device, dtype), new NativeEngine());

    private static LoadOptions Options(string strategy, string device, string dtype) =>
        new() { Strategy = strategy, Device = Device.Parse(device), DType = TargetDType.Parse(dtype), RingBytes = 3 * ByteSize.MiB, Readers = 3 };

    [Fact]
    public void Elements_that_nobody_views_may_be_too_large_however_many_views_there_are()
    {
        const int Views = 20_000;
        const int Elements = 1 << 18;
        using var folder = new TemporaryFolder();
        var one = TinyPickle.Tensor(TinyPickle.Storage("0", Elements), 0, [1], [1]) + "q\0";
        var pickle = "}(" + TinyPickle.Text("w") + one + string.Concat(Enumerable.Range(0, Views).Select(i => TinyPickle.Text($"{i}") + "h\0")) + "u";
        var values = new float[Elements];
        values.AsSpan(1).Fill(float.MaxValue);
        var contents = MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        var path = folder.Write("views.pth", TinyArchive.Of(("a/data.pkl", TinyPickle.File(pickle)), ("a/data/0", contents)));
        using var checkpoint = Checkpoint.Open(path);

        using var model = Load(checkpoint, "eager", "cpu", "float16");

        model.Count.Should().Be(Views + 1);
    }

    [Theory]
    [InlineData("eager")]
    [InlineData("streamed")]
    public void What_lies_in_a_gap_of_a_view_may_be_too_large_and_what_a_view_has_not(string strategy)
    {
        using var folder = new TemporaryFolder();
        float[] values = [1, 1e30f, 2, 1e30f, 3, 1e30f, 4];
        using (var checkpoint = Checkpoint.Open(Write()))
        {
            using var model = Load(checkpoint, strategy, "cpu", "float16");
            model.Count.Should().Be(1);
        }

        values[4] = 70_000;
        using (var checkpoint = Checkpoint.Open(Write()))
        {
            FluentActions.Invoking(() => Load(checkpoint, strategy, "cpu", "float16")).Should().Throw<CheckpointException>().WithMessage("*tensor 'g' holds 70000, which is too large for float16*");
        }

        string Write() => folder.Write("gap.pth", TinyArchive.Of(
            ("a/data.pkl", TinyPickle.File(TinyPickle.Dict(TinyPickle.Text("g"), TinyPickle.Tensor(TinyPickle.Storage("0", 7), 0, [4], [2])))),
            ("a/data/0", MemoryMarshal.AsBytes(values.AsSpan()).ToArray())));
    }
}
