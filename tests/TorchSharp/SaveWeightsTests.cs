using Loadline.Checkpoints;
using Loadline.Examples;
using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>What is saved is what was there, in every format, whatever stands under the name already.</summary>
public sealed class SaveWeightsTests : IDisposable
{
    private static readonly string TinyPath = Fixtures.Path("gpt2-tiny.pth");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("saved.safetensors")]
    [InlineData("saved.pth")]
    [InlineData("saved.pt")]
    [InlineData("saved.dat")]
    public void What_is_saved_is_loaded_again(string name)
    {
        using var module = Loaded();

        module.SaveWeights(_folder[name]);

        using var again = Skeleton.Build(NewTiny);
        again.LoadWeights(_folder[name]);
        foreach (var (key, tensor) in module.state_dict()) Memory.Bytes(again.state_dict()[key]).Should().Equal(Memory.Bytes(tensor), key);
        _folder.Names.Should().Equal(name);
    }

    [Fact]
    public void What_is_conjugated_lazily_is_saved_as_it_is()
    {
        using var module = new Conjugated();

        module.SaveWeights(_folder["saved.pth"]);

        using var checkpoint = Checkpoint.Open(_folder["saved.pth"]);
        checkpoint.Storages.Should().HaveCount(2, "the two have one memory, and two values");
        Parts("plain").Should().Equal(1f, 2f);
        Parts("conjugated").Should().Equal(1f, -2f);

        float[] Parts(string name)
        {
            var entry = checkpoint.Entries.Single(e => e.Name == name);
            var bytes = new byte[entry.Storage.Bytes];
            checkpoint.Read(entry.Storage, 0, bytes);
            return [BitConverter.ToSingle(bytes), BitConverter.ToSingle(bytes, 4)];
        }
    }

    [Fact]
    public void TorchSharp_itself_loads_a_dat()
    {
        using var scope = torch.NewDisposeScope();
        using var module = new PlainGpt2();
        module.SaveWeights(_folder["saved.dat"]);
        using var again = new PlainGpt2();

        again.load(_folder["saved.dat"]);

        foreach (var (key, tensor) in module.state_dict()) Memory.Bytes(again.state_dict()[key]).Should().Equal(Memory.Bytes(tensor), key);
    }

    [Fact]
    public void A_tie_is_written_once_into_a_pth_and_under_both_names_into_the_others()
    {
        using var module = new TiedPair();
        module.SaveWeights(_folder["tied.pth"]);
        module.SaveWeights(_folder["tied.safetensors"]);

        using (var pth = Checkpoint.Open(_folder["tied.pth"]))
        {
            pth.Entries.Select(e => e.Name).Should().Equal("a.weight", "b.weight");
            pth.Storages.Should().ContainSingle();
        }

        foreach (var name in _folder.Names)
        {
            using var again = Skeleton.Build(() => new TiedPair());
            again.LoadWeights(_folder[name]);
            again.parameters().Should().ContainSingle(name);
            Memory.Bytes(again.parameters().Single()).Should().Equal(Memory.Bytes(module.parameters().Single()));
        }
    }

    [Fact]
    public void A_tensor_with_gaps_and_more_than_one_piece_is_written_in_its_order()
    {
        using var scope = torch.NewDisposeScope();
        using var linear = torch.nn.Linear(1500, 1100, hasBias: false);
        linear.weight = new TorchSharp.Modules.Parameter(torch.randn(1500, 1100).t());
        linear.weight.is_contiguous().Should().BeFalse();

        linear.SaveWeights(_folder["linear.safetensors"]);

        using var again = torch.nn.Linear(1500, 1100, hasBias: false);
        again.LoadWeights(_folder["linear.safetensors"]);
        Memory.Bytes(again.weight).Should().Equal(Memory.Bytes(linear.weight));
    }

    [Fact]
    public void A_module_without_values_is_refused_and_the_old_file_stays()
    {
        var path = _folder.CopyOf(TinyPath);
        using var module = Skeleton.Build(NewTiny);

        FluentActions.Invoking(() => module.SaveWeights(path)).Should().Throw<InvalidOperationException>().WithMessage("'*' is on the meta device and has no values to save*");

        File.ReadAllBytes(path).Should().Equal(File.ReadAllBytes(TinyPath));
        _folder.Names.Should().ContainSingle();
    }

    [Fact]
    public void One_that_is_cancelled_leaves_the_old_file_alone()
    {
        var path = _folder.CopyOf(TinyPath);
        using var module = Loaded();

        FluentActions.Invoking(() => module.SaveWeights(path, cancellation: new CancellationToken(canceled: true))).Should().Throw<OperationCanceledException>();

        File.ReadAllBytes(path).Should().Equal(File.ReadAllBytes(TinyPath));
        _folder.Names.Should().ContainSingle();
    }

    [Fact]
    public void An_ending_that_says_no_format_is_refused()
    {
        using var module = Loaded();

        FluentActions.Invoking(() => module.SaveWeights(_folder["saved.xyz"])).Should().Throw<ArgumentException>().WithMessage("the ending '.xyz' says no format*");
        module.SaveWeights(_folder["saved.xyz"], CheckpointFormat.Safetensors);
        _folder.Names.Should().Equal("saved.xyz");
    }

    private static Gpt2 NewTiny() => new(vocabulary: 97, context: 16, width: 24, heads: 4, layers: 3);

    private static Gpt2 Loaded()
    {
        var module = Skeleton.Build(NewTiny);
        module.LoadWeights(TinyPath);
        return module;
    }

    private sealed class Conjugated : torch.nn.Module
    {
        public Conjugated()
            : base("conjugated")
        {
            var plain = torch.tensor(new[] { new System.Numerics.Complex(1, 2) }, torch.complex64);
            register_buffer("plain", plain);
            register_buffer("conjugated", plain.conj());
        }
    }
}
