using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Tensors.Memory;
using Loadline.Unit.Tensors;

namespace Loadline.Unit.Measuring;

/// <summary>What a verification says that it compared with, where a record is of other tensors, or of some.</summary>
public sealed class WeightVerifierTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string[], string> Records => new()
    {
        { [], "a naive reading of the file" },
        { ["another"], "a naive reading of the file" },
        { ["out_head.weight"], "the recorded digests of 1, of the others a naive reading of the file" },
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Records))]
    public void A_record_counts_for_the_tensors_that_it_names(string[] recorded, string against)
    {
        var path = _folder.CopyOf(Fixtures.Path("gpt2-tiny.safetensors"));
        var expected = Fixtures.Expected("gpt2-tiny.safetensors");
        var known = expected.ToDictionary(e => e.Key, e => new TensorDigest(e.Value.DType, [.. e.Value.Shape], e.Value.Sha256));
        Digests.Write(path, recorded.ToDictionary(name => name, name => known.GetValueOrDefault(name) ?? known["out_head.weight"]));
        using var checkpoint = Checkpoint.Open(path);
        using var model = Loader.Load(checkpoint, new LoadOptions(), TestEngine.New());

        new WeightVerifier(checkpoint, readers: 1).Verify(model, checkpoint.Entries).Against.Should().Be(against);
    }

    [Fact]
    public void A_tensor_that_was_recorded_and_is_gone_is_missed()
    {
        var path = _folder.CopyOf(Fixtures.Path("gpt2-tiny.safetensors"));
        var recorded = Fixtures.Expected("gpt2-tiny.safetensors")["out_head.weight"];
        var digest = new TensorDigest(recorded.DType, [.. recorded.Shape], recorded.Sha256);
        Digests.Write(path, new Dictionary<string, TensorDigest> { ["out_head.weight"] = digest, ["lost.weight"] = digest });
        using var checkpoint = Checkpoint.Open(path);
        using var model = Loader.Load(checkpoint, new LoadOptions(), TestEngine.New());

        FluentActions.Invoking(() => new WeightVerifier(checkpoint, readers: 1).Verify(model, checkpoint.Entries)).Should().Throw<VerificationException>()
            .WithMessage("* is without tensor 'lost.weight', which is among its recorded digests");
    }

    // A tensor's digest takes some microseconds and ten times its bytes: of names that the checkpoint does not have none is read.
    [Fact]
    public void A_record_of_other_tensors_is_passed_over()
    {
        var path = _folder.CopyOf(Fixtures.Path("gpt2-tiny.safetensors"));
        var recorded = Fixtures.Expected("gpt2-tiny.safetensors")["out_head.weight"];
        var digest = new TensorDigest(recorded.DType, [.. recorded.Shape], recorded.Sha256);
        Digests.Write(path, Enumerable.Range(0, 20_000).Select(i => i == 0 ? "out_head.weight" : $"{i}").ToDictionary(name => name, _ => digest));
        using var checkpoint = Checkpoint.Open(path);
        var before = GC.GetAllocatedBytesForCurrentThread();

        var found = Digests.Find(checkpoint)!;

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(2 * new FileInfo(Digests.PathFor(path)).Length);
        found.Tensors.Keys.Should().Equal("out_head.weight");
        found.Other.Should().Be("1");
        Digests.Find(path).Should().HaveCount(20_000);
    }

    // A sound load refuses it; the oracle must not agree with one that does not.
    [Theory]
    [InlineData(70_000, false)]
    [InlineData(float.PositiveInfinity, true)]
    public void What_is_too_large_for_its_dtype_is_no_infinity_of_the_files(float value, bool isSound)
    {
        using (var writer = CheckpointWriter.Create(_folder["large.safetensors"], CheckpointFormat.Safetensors, [new TensorDeclaration("w", DType.Float32, [2])]))
        {
            writer.Write(MemoryMarshal.AsBytes<float>([1, value]));
            writer.Commit();
        }

        using var checkpoint = Checkpoint.Open(_folder["large.safetensors"]);
        var loaded = new LoadedTensor(checkpoint.Entries[0] with { DType = DType.Float16 }, new Held([0x00, 0x3c, 0x00, 0x7c]), Simulated: null);
        var verify = FluentActions.Invoking(() => new WeightVerifier(checkpoint, readers: 1).Verify(_ => loaded, checkpoint.Entries));

        if (isSound) verify.Should().NotThrow();
        else verify.Should().Throw<VerificationException>().WithMessage("tensor 'w' of * holds what is too large for float16");
    }

    [Theory]
    [InlineData("{} garbage")]
    [InlineData("""{"w":{"dtype":"float32","shape":[1],"sha256":"00","sha256":"11"}}""")]
    public void A_record_that_another_reader_reads_otherwise_is_refused(string json)
    {
        var path = _folder.CopyOf(Fixtures.Path("gpt2-tiny.safetensors"));
        File.WriteAllText(Digests.PathFor(path), json);

        FluentActions.Invoking(() => Digests.Find(path)).Should().Throw<CheckpointException>().WithMessage("*holds no digests: *");
    }

    [Theory]
    [InlineData("int32", 0)]
    [InlineData("float32", 1)]
    public void Equal_bytes_under_another_dtype_or_shape_are_not_what_was_recorded(string dtype, int otherDimensions)
    {
        var path = _folder.CopyOf(Fixtures.Path("gpt2-tiny.safetensors"));
        var recorded = Fixtures.Expected("gpt2-tiny.safetensors")["out_head.weight"];
        Digests.Write(path, new Dictionary<string, TensorDigest> { ["out_head.weight"] = new(dtype, [.. recorded.Shape, .. Enumerable.Repeat(1L, otherDimensions)], recorded.Sha256) });
        using var checkpoint = Checkpoint.Open(path);
        using var model = Loader.Load(checkpoint, new LoadOptions(), TestEngine.New());

        FluentActions.Invoking(() => new WeightVerifier(checkpoint, readers: 1).Verify(model, checkpoint.Entries)).Should().Throw<VerificationException>()
            .WithMessage("tensor 'out_head.weight' of * is *float32, but was recorded as *");
    }

    private sealed class Held(byte[] bytes) : IReadableStorage
    {
        public void Read(long offset, Span<byte> destination) => bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
    }
}
