using System.Security.Cryptography;
using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Strategies;

/// <summary>Tests that measure this process's own memory: nothing else may run meanwhile.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;

/// <summary>Weights that stay mapped on the CPU: they cost nothing until they are written, and the file never notices.</summary>
[Collection(nameof(Alone))]
public class MappedWeightsTests
{
    private const int Elements = 16 * 1024 * 1024;

    [Fact]
    public void Writing_changes_the_weights_and_not_the_file()
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("gpt2-tiny.safetensors"));
        var before = SHA256.HashData(File.ReadAllBytes(path));

        using (var model = Loader.Load(path))
        {
            var weights = model["tok_emb.weight"].AsSpan<float>();
            weights.Fill(42);
            model["tok_emb.weight"].AsSpan<float>().ToArray().Should().OnlyContain(w => w == 42);
            model["tok_emb.weight"].IsMapped.Should().BeTrue();
        }

        SHA256.HashData(File.ReadAllBytes(path)).Should().Equal(before);
    }

    [Fact]
    public void Each_page_that_is_written_becomes_anonymous_memory_and_no_other()
    {
        using var folder = new TemporaryFolder();
        var path = folder["weights.safetensors"];
        WriteOneTensor(path);
        using var gauge = ProcessMemory.Open();
        using var model = Loader.Load(path);
        var weights = model["weight"].AsSpan<float>();
        var sum = 0f;
        foreach (var w in weights) sum += w;

        var read = gauge.Read().AnonBytes;
        var perPage = Environment.SystemPageSize / sizeof(float);
        for (var page = 0; page < Elements / perPage; page += 2) weights[page * perPage + 7] = 1;
        var written = gauge.Read().AnonBytes;

        sum.Should().Be(0);
        (written - read).Should().BeCloseTo(Elements * sizeof(float) / 2, (ulong)ByteSize.MiB);
    }

    [Fact]
    public void A_tensor_of_an_accelerator_has_no_address()
    {
        using var model = Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Device = Device.Sim(ByteSize.GiB) });

        var values = () => model["tok_emb.weight"].AsSpan<float>().Length;

        values.Should().Throw<InvalidOperationException>().WithMessage("*sim:1GiB*cannot be addressed*");
    }

    [Fact]
    public void A_span_of_another_width_is_refused()
    {
        using var model = Loader.Load(Fixtures.Path("gpt2-tiny.pth"));

        var values = () => model["tok_emb.weight"].AsSpan<double>().Length;

        values.Should().Throw<InvalidOperationException>().WithMessage("Double has 8 bytes, an element of float32 has 4");
    }

    [Fact]
    public void A_strided_view_is_no_span()
    {
        using var model = Loader.Load(Fixtures.Path("views.pth"));

        var values = () => model["transposed"].AsSpan<float>().Length;

        values.Should().Throw<InvalidOperationException>().WithMessage("a view of shape [8, 6] and strides [1, 8] is no span: convert the checkpoint*");
        model["rows"].AsSpan<float>().Length.Should().Be(16);
    }

    private static void WriteOneTensor(string path)
    {
        using var writer = CheckpointWriter.Create(path, CheckpointFormat.Safetensors, [new TensorDeclaration("weight", DType.Float32, [Elements])]);
        writer.Write(new byte[Elements * sizeof(float)]);
        writer.Commit();
    }
}
