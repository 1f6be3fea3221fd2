using Loadline.Examples;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>What only a GPU shows: modules that go up, come back, lie in two places, are saved from there, and do not fit.</summary>
public sealed class GpuModuleTests : IDisposable
{
    private const long GiB = 1L << 30;
    private static readonly string TinyPath = Fixtures.Path("gpt2-tiny.pth");

    private readonly TemporaryFolder _folder;
    private readonly DisposeScope _scope;

    public GpuModuleTests()
    {
        // First: who is skipped here is not disposed.
        Assert.SkipUnless(torch.cuda.is_available(), "there is no GPU that TorchSharp can use");
        (_folder, _scope) = (new TemporaryFolder(), torch.NewDisposeScope());
    }

    public static TheoryData<string> Strategies => new(StrategyCatalog.All.Select(s => s.Name));

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void It_holds_every_byte(string strategy)
    {
        using var module = Skeleton.Build(Tiny);

        module.LoadWeights(TinyPath, strategy, torch.CUDA);

        ShouldBeOn(module, DeviceType.CUDA);
        ShouldHoldWhatTinyHolds(module.cpu());
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Its_logits_on_a_gpu_are_PyTorchs(string strategy)
    {
        using var module = Skeleton.Build(Tiny);
        module.LoadWeights(TinyPath, strategy, torch.CUDA);

        using var noGrad = torch.no_grad();
        RecordedLogits.ShouldBe(module.forward(torch.tensor(new long[,] { { 1, 2, 3 } }).cuda()).cpu());
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("streamed")]
    public void A_module_that_comes_back_to_the_cpu_goes_up_again(string strategy)
    {
        using var module = Skeleton.Build(Tiny);
        module.LoadWeights(TinyPath, strategy, torch.CUDA);
        module.LoadWeights(TinyPath, strategy);
        ShouldBeOn(module, DeviceType.CPU);

        module.cuda();

        ShouldBeOn(module, DeviceType.CUDA);
        ShouldHoldWhatTinyHolds(module.cpu());
    }

    [Theory]
    [InlineData(DeviceType.CUDA)]
    [InlineData(DeviceType.CPU)]
    public void Of_a_module_in_two_places_each_part_is_where_the_map_says_and_all_of_it_follows_a_call(DeviceType first)
    {
        using var module = Skeleton.Build(Tiny);
        var map = new Dictionary<string, torch.Device> { [""] = torch.CPU, ["trf_blocks.1"] = torch.CUDA };

        module.LoadWeights(TinyPath, options: new ModuleLoadOptions { DeviceMap = map });

        foreach (var (name, tensor) in module.state_dict())
        {
            tensor.device_type.Should().Be(name.StartsWith("trf_blocks.1.", StringComparison.Ordinal) ? DeviceType.CUDA : DeviceType.CPU, name);
        }

        if (first is DeviceType.CUDA) module.cuda();
        else module.cpu();
        ShouldBeOn(module, first);
        ShouldHoldWhatTinyHolds(module.cpu());
    }

    [Fact]
    public void What_is_saved_from_a_gpu_is_what_was_loaded_there()
    {
        using var module = Skeleton.Build(Tiny);
        module.LoadWeights(TinyPath, device: torch.CUDA);

        module.SaveWeights(_folder["saved.safetensors"]);

        using var again = Skeleton.Build(Tiny);
        again.LoadWeights(_folder["saved.safetensors"]);
        ShouldHoldWhatTinyHolds(again);
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_dtype_is_the_same_as_on_the_cpu(string strategy)
    {
        var options = new ModuleLoadOptions { DType = TargetDType.Parse("bfloat16") };
        using var here = Skeleton.Build(Tiny);
        here.LoadWeights(TinyPath, strategy, options: options);
        using var there = Skeleton.Build(Tiny);

        there.LoadWeights(TinyPath, strategy, torch.CUDA, options);

        ShouldBeOn(there, DeviceType.CUDA);
        there.cpu();
        foreach (var (name, tensor) in here.state_dict()) Memory.Bytes(there.state_dict()[name]).Should().Equal(Memory.Bytes(tensor), name);
    }

    [Theory]
    [InlineData("cuda", "cuda:0")]
    [InlineData("cuda:0", "cuda")]
    [InlineData("cuda", "cuda")]
    public void A_tie_is_one_memory_on_the_gpu(string device, string again)
    {
        using var module = Skeleton.Build(() => new TiedPair());
        using (var saved = new TiedPair()) saved.SaveWeights(_folder["tied.pth"]);

        module.LoadWeights(_folder["tied.pth"], device: device);
        module.to(again);

        var dict = module.state_dict();
        dict["a.weight"].device_type.Should().Be(DeviceType.CUDA);
        dict["b.weight"].Should().BeSameAs(dict["a.weight"]);
        module.parameters().Should().ContainSingle();
    }

    [Theory]
    [InlineData("cuda")]
    [InlineData("cuda:0")]
    public void Parameters_stay_the_objects_that_they_were(string device)
    {
        using var module = Tiny();
        var before = module.state_dict();

        module.LoadWeights(TinyPath, device: device);
        module.to(device);

        foreach (var (name, tensor) in module.state_dict()) tensor.Should().BeSameAs(before[name], name);
    }

    [Theory]
    [InlineData("out_head")]
    [InlineData("tok_emb")]
    public void What_a_load_leaves_as_it_was_goes_along_both_ways(string left)
    {
        using var module = Tiny();
        module.LoadWeights(TinyPath);
        var options = new ModuleLoadOptions { Ignore = [left + ".*"] };

        module.LoadWeights(TinyPath, device: torch.CUDA, options: options);
        ShouldBeOn(module, DeviceType.CUDA);
        using (torch.no_grad()) RecordedLogits.ShouldBe(module.forward(torch.tensor(new long[,] { { 1, 2, 3 } }).cuda()).cpu());

        module.LoadWeights(TinyPath, options: options);
        ShouldBeOn(module, DeviceType.CPU);
        ShouldHoldWhatTinyHolds(module);
    }

    [Theory]
    [InlineData("mmap-assign")]
    [InlineData("streamed")]
    public void Layers_in_native_code_compute_with_what_was_loaded(string strategy)
    {
        var x = torch.randn(2, 3, 4);
        Check(() => torch.nn.LSTM(4, 6, numLayers: 2), (lstm, x) => lstm.call(x).Item1);
        Check(() => torch.nn.GRU(4, 6), (gru, x) => gru.call(x).Item1);
        Check(() => torch.nn.MultiheadAttention(4, 2), (attention, x) => attention.call(x, x, x).Item1);
        Check(() => torch.nn.TransformerEncoderLayer(4, 2, dim_feedforward: 8, dropout: 0), (layer, x) => layer.call(x));
        Check(() => torch.nn.Conv1d(3, 2, kernel_size: 2), (layer, x) => layer.call(x));

        void Check<T>(Func<T> construct, Func<T, torch.Tensor, torch.Tensor> run)
            where T : torch.nn.Module
        {
            var path = _folder[typeof(T).Name + ".dat"];
            using var noGrad = torch.no_grad();
            using var saved = construct();
            using var module = construct();
            saved.save(path);

            module.LoadWeights(path, strategy, torch.CUDA);

            ShouldBeOn(module, DeviceType.CUDA);
            torch.allclose(run(module, x.cuda()).cpu(), run(saved, x), atol: 1e-3).Should().BeTrue(typeof(T).Name);
            module.LoadWeights(path, strategy);
            torch.allclose(run(module, x), run(saved, x)).Should().BeTrue(typeof(T).Name + ", back on the CPU");
        }
    }

    [Fact]
    public void A_gpu_that_is_full_says_so_and_the_next_load_works()
    {
        using var module = Skeleton.Build(() => torch.nn.Linear(16_384, 16_384, hasBias: false));
        using (var saved = torch.nn.Linear(16_384, 16_384, hasBias: false)) saved.SaveWeights(_folder["gibibyte.safetensors"]);
        using (Full())
        {
            FluentActions.Invoking(() => module.LoadWeights(_folder["gibibyte.safetensors"], device: torch.CUDA))
                .Should().Throw<System.Runtime.InteropServices.ExternalException>().WithMessage("*CUDA out of memory*");
        }

        module.LoadWeights(_folder["gibibyte.safetensors"], device: torch.CUDA);
        ShouldBeOn(module, DeviceType.CUDA);
    }

    // Everything that the GPU has but for less than a GiB; the largest today have 300 of them.
    private static DisposeScope Full()
    {
        var scope = torch.NewDisposeScope();
        try
        {
            for (var i = 0; i < 1000; i++) _ = torch.empty(GiB, torch.uint8, torch.CUDA);
            throw new InvalidOperationException("a GPU of more than 1000 GiB does not fill");
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            return scope;
        }
    }

    private static Gpt2 Tiny() => new(vocabulary: 97, context: 16, width: 24, heads: 4, layers: 3);

    private static void ShouldBeOn(torch.nn.Module module, DeviceType device)
    {
        foreach (var (name, tensor) in module.state_dict()) tensor.device_type.Should().Be(device, name);
    }

    private static void ShouldHoldWhatTinyHolds(torch.nn.Module module) => ModuleWeightsTests.ShouldHold(module, "gpt2-tiny.pth", null);
}
