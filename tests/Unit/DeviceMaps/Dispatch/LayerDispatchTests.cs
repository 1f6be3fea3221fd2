using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.DeviceMaps.Dispatch;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Unit.Forward;

namespace Loadline.Unit.DeviceMaps.Dispatch;

/// <summary>Layers that come and leave: the same weights, in less memory.</summary>
public class LayerDispatchTests
{
    // Of the fixtures' GPT-2: a block, and the embedding of its positions, which comes before the first.
    private const long BlockBytes = 29_920;
    private const long PositionsBytes = 16 * 24 * sizeof(float);

    private static readonly string Tiny = Fixtures.Path("gpt2-tiny.pth");
    private static readonly string[] Modules = ["tok_emb", "pos_emb", "trf_blocks.0", "trf_blocks.1", "trf_blocks.2", "final_norm", "out_head"];

    [Theory]
    [InlineData(BlockBytes, BlockBytes)]
    [InlineData(2 * BlockBytes - 1, BlockBytes + PositionsBytes)]
    [InlineData(2 * BlockBytes, 2 * BlockBytes)]
    [InlineData(100 * BlockBytes, 2 * BlockBytes)]
    public void The_logits_are_the_same_bit_for_bit_within_the_limit(long residentBytes, long peakBytes)
    {
        var engine = new NativeEngine();

        TinyGpt2.Compute(Tiny, null, residentBytes, engine).Should().Equal(TinyGpt2.Compute(Tiny));

        (engine.Host.PeakBytes, engine.Host.CurrentBytes).Should().Be((peakBytes, 0));
    }

    [Fact]
    public void Names_of_a_module_are_those_below_it_in_the_models_order()
    {
        var names = new ModuleNames(["b.2", "a.z", "a", "a.b.c", "ab.x", "a.a", "a-.x", "é.w"]);

        names.Of("a").Should().Equal("a.z", "a.b.c", "a.a");
        names.Of("a.b").Should().Equal("a.b.c");
        names.Of("é").Should().Equal("é.w");
        names.Of("b.2").Should().BeEmpty();
        new ModuleNames([]).Of("a").Should().BeEmpty();
    }

    [Fact]
    public void The_report_s_peak_includes_what_was_resident()
    {
        var (exitCode, events) = TinyGpt2.Measure(Tiny, residentBytes: 2 * BlockBytes);

        exitCode.Should().Be(ExitCodes.Loaded);
        var report = events.OfType<LoadReport>().Single();
        report.HostBytes.Should().Be(2 * BlockBytes);
        report.Holders.Single().Uses.Single().Use.Should().Be("layer");
    }

    [Fact]
    public void A_layer_larger_than_the_limit_is_refused_by_its_name_and_nothing_was_copied()
    {
        var engine = new NativeEngine();
        using var checkpoint = Checkpoint.Open(Tiny);
        using var model = Loader.Load(checkpoint, new LoadOptions(), engine);

        var layers = () => model.Layers(Modules, new DispatchOptions { ResidentBytes = BlockBytes - 1 });

        layers.Should().Throw<ArgumentException>().WithMessage("layer 'trf_blocks.0' takes 29.2 KiB, but only 29.2 KiB may be resident: allow 29.2 KiB, which the largest layer takes");
        engine.Host.PeakBytes.Should().Be(0);
    }

    [Fact]
    public void A_module_without_tensors_is_refused()
    {
        using var model = Loader.Load(Tiny);

        var layers = () => model.Layers(["trf_blocks.9"]);

        layers.Should().Throw<ArgumentException>().WithMessage("the model has no tensors of a module 'trf_blocks.9'");
    }

    [Fact]
    public void Each_layer_has_its_module_s_tensors_and_only_copies_what_is_mapped()
    {
        using var model = Loader.Load(Tiny);
        foreach (var layer in model.Layers(Modules, new DispatchOptions { ResidentBytes = 2 * BlockBytes }))
        {
            layer.Keys.Should().Equal(model.Keys.Where(name => name.StartsWith(layer.Name + ".", StringComparison.Ordinal)));
            foreach (var (name, tensor) in layer)
            {
                tensor.IsMapped.Should().BeFalse();
                tensor.AsSpan<float>().SequenceEqual(model[name].AsSpan<float>()).Should().BeTrue();
            }
        }
    }

    [Fact]
    public void Weights_that_are_not_offloaded_are_used_where_they_lie()
    {
        var engine = new NativeEngine();
        using var checkpoint = Checkpoint.Open(Tiny);
        using var model = Loader.Load(checkpoint, new LoadOptions { Strategy = "streamed" }, engine);
        var bytes = engine.Host.CurrentBytes;

        foreach (var layer in model.Layers(Modules, new DispatchOptions { ResidentBytes = 1 }))
        {
            foreach (var (name, tensor) in layer) (tensor.AsSpan<float>() == model[name].AsSpan<float>()).Should().BeTrue();
        }

        engine.Host.PeakBytes.Should().Be(bytes);
    }

    [Fact]
    public void What_is_offloaded_can_be_told()
    {
        using var model = Loader.Load(Tiny);

        using var layers = model.Layers(
            ["trf_blocks.0"], new DispatchOptions { ResidentBytes = BlockBytes, Offloaded = (name, _) => name.Contains(".ff.", StringComparison.Ordinal) }).GetEnumerator();

        layers.MoveNext().Should().BeTrue();
        layers.Current["trf_blocks.0.ff.layers.0.weight"].IsMapped.Should().BeFalse();
        layers.Current["trf_blocks.0.att.W_key.weight"].IsMapped.Should().BeTrue();
    }

    [Fact]
    public void What_an_accelerator_holds_cannot_come()
    {
        using var model = Loader.Load(Tiny, new LoadOptions { Device = Device.Sim(ByteSize.GiB) });

        var layers = () => model.Layers(["final_norm"], new DispatchOptions { ResidentBytes = BlockBytes, Offloaded = (_, _) => true });

        layers.Should().Throw<ArgumentException>().WithMessage("tensor 'final_norm.scale' is on sim:1GiB: only what lies on the host can come");
    }

    [Fact]
    public void Weights_that_were_written_come_as_written()
    {
        using var model = Loader.Load(Tiny);
        model["final_norm.scale"].AsSpan<float>()[3] = 42;

        foreach (var layer in model.Layers(["final_norm"], new DispatchOptions { ResidentBytes = BlockBytes }))
        {
            layer["final_norm.scale"].AsSpan<float>()[3].Should().Be(42);
        }
    }

    [Fact]
    public void A_walk_that_is_left_early_leaves_nothing()
    {
        var engine = new NativeEngine();
        using var checkpoint = Checkpoint.Open(Tiny);
        using var model = Loader.Load(checkpoint, new LoadOptions(), engine);

        model.Layers(Modules, new DispatchOptions { ResidentBytes = 2 * BlockBytes }).First().Name.Should().Be("tok_emb");

        (engine.Host.CurrentBytes, engine.Host.PeakBytes > 0).Should().Be((0, true));
    }

    [Fact]
    public void A_file_that_was_cut_is_an_error_and_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Tiny);
        var engine = new NativeEngine();
        using var checkpoint = Checkpoint.Open(path);
        using var model = Loader.Load(checkpoint, new LoadOptions(), engine);
        using (var file = File.OpenWrite(path)) file.SetLength(8192);

        var walk = () => model.Layers(Modules, new DispatchOptions { ResidentBytes = 2 * BlockBytes }).Count();

        walk.Should().Throw<CheckpointException>().WithMessage("*became shorter while its weights were mapped*");
        engine.Host.CurrentBytes.Should().Be(0);
    }

    [Fact]
    public void Ties_stay_ties()
    {
        using var model = Loader.Load(Fixtures.Path("odd/nested.pth"));
        using var layers = model.Layers(["1"], new DispatchOptions { ResidentBytes = ByteSize.KiB }).GetEnumerator();
        layers.MoveNext();

        layers.Current["1.0"].AsSpan<float>()[0] = 42;

        layers.Current["1.1.x"].AsSpan<float>()[0].Should().Be(42);
    }

    [Fact]
    public void A_view_with_gaps_comes_without_them()
    {
        var engine = new NativeEngine();
        using var model = new Model(engine);
        var storage = engine.Allocate(Device.Cpu, 6 * sizeof(float));
        storage.Write(0, MemoryMarshal.AsBytes<float>([0, 1, 2, 3, 4, 5]));
        var transposed = new TensorEntry("m.transposed", DType.Float32, [3, 2], [1, 3], 0, new StorageEntry("", 0, storage.Bytes));
        model.Set(transposed.Name, transposed, storage);
        storage.Release();

        using var layers = model.Layers(["m"], new DispatchOptions { ResidentBytes = ByteSize.KiB, Offloaded = (_, _) => true }).GetEnumerator();
        layers.MoveNext();

        layers.Current["m.transposed"].AsSpan<float>().ToArray().Should().Equal(0, 3, 1, 4, 2, 5);
    }
}
