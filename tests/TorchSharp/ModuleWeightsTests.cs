using Loadline.Checkpoints;
using Loadline.Examples;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using Loadline.Unit.Strategies;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>The library's contract, on TorchSharp's modules: whatever the strategy, a module holds the checkpoint's bytes.</summary>
public class ModuleWeightsTests
{
    private static readonly string[] Checkpoints =
        ["gpt2-tiny.pth", "gpt2-tiny.safetensors", "gpt2-tiny-sharded", "gpt2-tiny-parameters", "gpt2-tiny-legacy.pth", "gpt2-tiny-bf16.pth", "odd/gpt2-tiny.dat"];

    public static TheoryData<string, string, string?> All => new(
        from strategy in StrategyCatalog.All
        from checkpoint in Checkpoints
        from dtype in (string?[])[null, "bfloat16"]
        select (strategy.Name, checkpoint, dtype));

    public static TheoryData<string> Strategies => new(StrategyCatalog.All.Select(s => s.Name));

    [Theory]
    [MemberData(nameof(All))]
    public void A_module_without_memory_gets_every_byte(string strategy, string fixture, string? dtype)
    {
        using var module = Skeleton.Build(Tiny);

        var load = module.LoadWeights(Fixtures.Path(fixture), strategy, options: Options(dtype));

        load.Missing.Should().BeEmpty();
        load.Unexpected.Should().BeEmpty();
        ShouldHold(module, fixture, dtype);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void So_does_one_that_was_built_in_memory(string strategy, string fixture, string? dtype)
    {
        using var module = Tiny();

        module.LoadWeights(Fixtures.Path(fixture), strategy, options: Options(dtype));

        ShouldHold(module, fixture, dtype);
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Its_logits_are_PyTorchs(string strategy)
    {
        using var scope = torch.NewDisposeScope();
        using var module = Skeleton.Build(Tiny);
        module.LoadWeights(Fixtures.Path("gpt2-tiny.pth"), strategy);

        using var noGrad = torch.no_grad();
        RecordedLogits.ShouldBe(module.forward(torch.tensor(new long[,] { { 1, 2, 3 } })));
    }

    [Fact]
    public void Loading_within_a_scope_leaves_the_module_whole_when_the_scope_ends()
    {
        using var module = Skeleton.Build(Tiny);
        var names = module.state_dict().Keys.ToList();
        using (torch.NewDisposeScope()) module.LoadWeights(Fixtures.Path("gpt2-tiny.pth"));

        module.state_dict().Keys.Should().Equal(names);
        ShouldHold(module, "gpt2-tiny.pth", null);
    }

    [Fact]
    public void Parameters_stay_the_objects_that_they_were_and_require_a_gradient_as_before()
    {
        using var module = Tiny();
        var before = module.state_dict();
        before["out_head.weight"].requires_grad = false;

        module.LoadWeights(Fixtures.Path("gpt2-tiny.pth"));

        foreach (var (name, tensor) in module.state_dict()) tensor.Should().BeSameAs(before[name], name);
        module.named_parameters().Where(p => !p.parameter.requires_grad).Select(p => p.name).Should().Equal("out_head.weight");
    }

    [Fact]
    public void Mapped_weights_are_the_files_pages()
    {
        var path = Fixtures.Path("gpt2-tiny.pth");
        using var module = Skeleton.Build(Tiny);
        module.LoadWeights(path);
        module.state_dict().Values.Should().OnlyContain(t => Memory.IsMapped(t, path));

        module.LoadWeights(path, "streamed");
        module.state_dict().Values.Should().NotContain(t => Memory.IsMapped(t, path));
    }

    [Fact]
    public void Training_mapped_weights_leaves_the_file_alone()
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("gpt2-tiny.pth"));
        var before = File.ReadAllBytes(path);
        using var scope = torch.NewDisposeScope();
        using var module = Skeleton.Build(Tiny);
        module.LoadWeights(path);
        var head = module.state_dict()["out_head.weight"];
        var value = head[0, 0].item<float>();

        module.forward(torch.tensor(new long[,] { { 1, 2, 3 } })).sum().backward();
        torch.optim.SGD(module.parameters(), learningRate: 0.1).step();

        head[0, 0].item<float>().Should().NotBe(value);
        File.ReadAllBytes(path).Should().Equal(before);
    }

    [Fact]
    public void A_shape_that_is_not_the_modules_is_refused_and_nothing_changed()
    {
        using var module = new Gpt2(vocabulary: 98, context: 16, width: 24, heads: 4, layers: 3);
        var before = module.state_dict().ToDictionary(t => t.Key, t => Memory.Bytes(t.Value));

        FluentActions.Invoking(() => module.LoadWeights(Fixtures.Path("gpt2-tiny.pth"))).Should().Throw<CheckpointException>()
            .WithMessage("*'tok_emb.weight' has shape *97, 24*; model Gpt2 expects *98, 24*");
        foreach (var (name, tensor) in module.state_dict()) Memory.Bytes(tensor).Should().Equal(before[name], name);
    }

    [Fact]
    public void A_device_without_weights_is_refused()
    {
        using var module = Tiny();

        FluentActions.Invoking(() => module.LoadWeights(Fixtures.Path("gpt2-tiny.pth"), device: torch.META)).Should().Throw<ArgumentException>().WithMessage("*not onto meta*");
    }

    private static Gpt2 Tiny() => new(vocabulary: 97, context: 16, width: 24, heads: 4, layers: 3);

    private static ModuleLoadOptions Options(string? dtype) => new() { DType = dtype is null ? null : TargetDType.Parse(dtype) };

    internal static void ShouldHold(torch.nn.Module module, string fixture, string? dtype)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        var loaded = module.state_dict();
        loaded.Keys.Should().BeEquivalentTo(checkpoint.Entries.Select(e => e.Name));
        foreach (var entry in checkpoint.Entries)
        {
            var expected = dtype is not null && DType.TryParse(dtype, out var target) ? target : entry.DType;
            loaded[entry.Name].dtype.Should().Be(expected == DType.BFloat16 ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32);
            Memory.Bytes(loaded[entry.Name]).Should().Equal(NaiveLoader.Read(entry, expected), entry.Name);
        }
    }
}
