using Loadline.Checkpoints;
using Loadline.Measuring;
using Loadline.Strategies;
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
}
