using System.Security.Cryptography;
using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Unit.Checkpoints.Dat;
using Loadline.Unit.Checkpoints.Pth;

namespace Loadline.Unit.Checkpoints.Conversion;

public sealed class CheckpointConverterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, CheckpointFormat> FixturesAndFormats => new(
        from fixture in new[] { "gpt2-tiny.pth", "gpt2-tiny.safetensors", "gpt2-tiny-parameters", "views.pth", "tied.pth", "training.pth", "scalar-and-empty.pth", "odd/deflated.pth", "odd/views-of-cube.pth", "odd/unicode.pth" }
        from format in new[] { CheckpointFormat.Pth, CheckpointFormat.Safetensors, CheckpointFormat.Sharded, CheckpointFormat.PerTensor, CheckpointFormat.Dat }
        // Its names have line breaks, which no TorchSharp module has.
        where (fixture, format) != ("odd/unicode.pth", CheckpointFormat.Dat)
        select (fixture, format));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(FixturesAndFormats))]
    public void Every_tensor_keeps_its_name_dtype_shape_and_digest(string fixture, CheckpointFormat format)
    {
        Convert(Fixtures.Path(fixture), new ConversionOptions { Format = format, ShardBytes = 20_000 });

        var written = Read(format);
        var expected = Fixtures.Expected(fixture);
        written.Keys.Should().BeEquivalentTo(expected.Keys);
        foreach (var (name, (dtype, shape, sha256)) in expected)
        {
            written[name].DType.Name.Should().Be(dtype, name);
            written[name].Shape.Should().Equal(shape, name);
            System.Convert.ToHexStringLower(SHA256.HashData(written[name].Bytes)).Should().Be(sha256, name);
        }

        _folder.Names.Should().Equal("out");
    }

    [Theory]
    [InlineData("bfloat16")]
    [InlineData("float64")]
    public void All_floating_point_tensors_are_converted_and_no_others(string name)
    {
        DType.TryParse(name, out var dtype);
        var report = Convert(Fixtures.Path("dtypes.pth"), new ConversionOptions { Format = CheckpointFormat.Pth, DType = dtype });

        using var source = Checkpoint.Open(Fixtures.Path("dtypes.pth"));
        var written = Read(CheckpointFormat.Pth);
        foreach (var entry in source.Entries)
        {
            var bytes = NaiveBytes.Read(source, entry);
            if (entry.DType.IsFloatingPoint)
            {
                var target = new byte[entry.ElementCount * dtype!.BytesPerElement];
                DTypeConversion.Convert(entry.DType, bytes, dtype, target);
                bytes = target;
            }

            written[entry.Name].DType.Should().BeSameAs(entry.DType.IsFloatingPoint ? dtype : entry.DType);
            written[entry.Name].Bytes.Should().Equal(bytes, entry.Name);
        }

        report.ConvertedTensors.Should().Be(source.Entries.Count(e => e.DType.IsFloatingPoint && e.DType != dtype));
    }

    [Fact]
    public void A_tie_stays_one_in_pth()
    {
        var report = Convert(Fixtures.Path("tied.pth"), new ConversionOptions { Format = CheckpointFormat.Pth, DType = DType.Float16 });

        using var written = Checkpoint.Open(_folder["out"]);
        written.Storages.Should().ContainSingle().Which.Bytes.Should().Be(30);
        report.Should().Be(new ConversionReport(Tensors: 2, ConvertedTensors: 2, Bytes: 30, UntiedTensors: 0, UntiedBytes: 0));
    }

    [Theory]
    [InlineData(CheckpointFormat.Safetensors)]
    [InlineData(CheckpointFormat.Dat)]
    public void A_tie_is_written_under_each_name_where_there_are_none_and_the_report_says_so(CheckpointFormat format)
    {
        var report = Convert(Fixtures.Path("tied.pth"), new ConversionOptions { Format = format });

        Read(format).Values.Select(t => t.Bytes.Length).Should().Equal(60, 60);
        report.Should().Be(new ConversionReport(Tensors: 2, ConvertedTensors: 0, Bytes: 120, UntiedTensors: 1, UntiedBytes: 60));
    }

    [Fact]
    public void Metadata_goes_along_into_safetensors_and_says_whose_layout_it_is()
    {
        Convert(Fixtures.Path("training.pth"), new ConversionOptions { Format = CheckpointFormat.Safetensors });

        using var written = Checkpoint.Open(_folder["out"]);
        written.Metadata.Should().Contain("format", "pt").And.Contain("epoch", "3");
    }

    // Transformers takes no weights of another format than pt, tf, flax or mlx.
    [Fact]
    public void A_value_called_format_beside_the_tensors_does_not_stand_for_the_framework()
    {
        var pickle = TinyPickle.Dict(TinyPickle.Text("format"), TinyPickle.Text("mine"), TinyPickle.Text("v"), TinyPickle.Text("1"));
        Convert(_folder.Write("a.pth", TinyArchive.Of(pickle)), new ConversionOptions { Format = CheckpointFormat.Safetensors });

        using var written = Checkpoint.Open(_folder["out"]);
        written.Metadata.Should().Equal(new Dictionary<string, string> { ["format"] = "pt", ["v"] = "1" });
    }

    [Fact]
    public void A_value_that_overflows_is_refused_by_name_and_nothing_stays()
    {
        WriteFloats("in", 1, -70_000, 2);

        FluentActions.Invoking(() => Convert(_folder["in"], new ConversionOptions { Format = CheckpointFormat.Pth, DType = DType.Float16 }))
            .Should().Throw<CheckpointException>()
            .WithMessage("*/in: tensor 'w' holds -70000, which is too large for float16: choose another dtype, or --allow-overflow to write infinity");
        _folder.Names.Should().Equal("in");
    }

    [Fact]
    public void A_value_that_overflows_is_infinite_where_that_is_allowed()
    {
        WriteFloats("in", -70_000);
        Convert(_folder["in"], new ConversionOptions { Format = CheckpointFormat.Pth, DType = DType.Float16, AllowOverflow = true });

        Read(CheckpointFormat.Pth)["w"].Bytes.Should().Equal(0x00, 0xfc);
    }

    [Fact]
    public void A_dtype_that_cannot_be_converted_is_refused_before_anything_is_written()
    {
        using (var writer = CheckpointWriter.Create(_folder["in"], CheckpointFormat.Safetensors, [new("w", DType.Float4, [2])]))
        {
            writer.Write([1]);
            writer.Commit();
        }

        FluentActions.Invoking(() => Convert(_folder["in"], new ConversionOptions { Format = CheckpointFormat.Safetensors, DType = DType.Float32 }))
            .Should().Throw<CheckpointException>().WithMessage("*/in: tensor 'w' of float4_e2m1 cannot be converted to float32: leave --dtype out*");
        _folder.Names.Should().Equal("in");
    }

    [Fact]
    public void A_file_can_be_converted_into_its_own_place_and_its_digests_go()
    {
        WriteFloats("out", 1, 2);
        File.WriteAllText(_folder["out.digests.json"], "{}");
        Convert(_folder["out"], new ConversionOptions { Format = CheckpointFormat.Safetensors, DType = DType.BFloat16 });

        Read(CheckpointFormat.Safetensors)["w"].Bytes.Should().Equal(0x80, 0x3f, 0x00, 0x40);
        _folder.Names.Should().Equal("out");
    }

    [Fact]
    public void An_interrupted_conversion_leaves_what_was_there()
    {
        WriteFloats("out", 7);
        using var interrupt = new CancellationTokenSource();
        using var source = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));

        var conversion = () => CheckpointConverter.Convert(
            source, _folder["out"], new ConversionOptions { Format = CheckpointFormat.Pth }, progress: _ => interrupt.Cancel(), interrupt.Token);

        conversion.Should().Throw<OperationCanceledException>();
        _folder.Names.Should().Equal("out");
        Read(CheckpointFormat.Pth).Keys.Should().Equal("w");
    }

    [Fact]
    public void Progress_rises_to_the_whole()
    {
        var seen = new List<double>();
        using var source = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));
        CheckpointConverter.Convert(
            source, _folder["out"], new ConversionOptions { Format = CheckpointFormat.Pth }, seen.Add, TestContext.Current.CancellationToken);

        seen.Should().BeInAscendingOrder().And.HaveCountGreaterThan(50);
        seen[^1].Should().Be(1);
    }

    private ConversionReport Convert(string path, ConversionOptions options)
    {
        using var source = Checkpoint.Open(path);
        return CheckpointConverter.Convert(source, _folder["out"], options, cancellation: TestContext.Current.CancellationToken);
    }

    private void WriteFloats(string name, params float[] values)
    {
        using var writer = CheckpointWriter.Create(_folder[name], CheckpointFormat.Pth, [new("w", DType.Float32, [values.Length])]);
        writer.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        writer.Commit();
    }

    private Dictionary<string, (DType DType, long[] Shape, byte[] Bytes)> Read(CheckpointFormat format) => format switch
    {
        CheckpointFormat.Dat => NaiveDat.Read(_folder["out"]),
        CheckpointFormat.Sharded => ReadShards().ToDictionary(),
        _ => ReadFile(_folder["out"]).ToDictionary(),
    };

    /// <summary>By the index, which has to name each tensor's shard.</summary>
    private IEnumerable<KeyValuePair<string, (DType, long[], byte[])>> ReadShards()
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder["out"], "model.safetensors.index.json")));
        return [.. index.RootElement.GetProperty("weight_map").EnumerateObject().Select(
            t => ReadFile(Path.Combine(_folder["out"], t.Value.GetString()!)).Single(tensor => tensor.Key == t.Name))];
    }

    private static List<KeyValuePair<string, (DType, long[], byte[])>> ReadFile(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        return [.. checkpoint.Entries.Select(e => KeyValuePair.Create(e.Name, (e.DType, e.Shape.ToArray(), NaiveBytes.Read(checkpoint, e))))];
    }
}
