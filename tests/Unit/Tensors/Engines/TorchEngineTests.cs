using System.Runtime.CompilerServices;
using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;
using Loadline.Unit.Strategies;

namespace Loadline.Unit.Tensors.Engines;

/// <summary>What only libtorch's engine does. Skipped where there is no libtorch; tests/libtorch.sh runs them where there is.</summary>
[Collection(nameof(Alone))]
public unsafe class TorchEngineTests
{
    private const int Cpu = 0;
    private const int Meta = 14;

    [Fact]
    public void Every_tensor_is_one_of_libtorchs_over_the_same_bytes()
    {
        var engine = New();
        var probe = new TorchProbe(engine.Library);
        string[] fixtures = ["gpt2-tiny.pth", "views.pth", "dtypes.pth", "scalar-and-empty.pth", "tied.pth", "odd/legacy-views.pth", "odd/shared-untyped.pth"];
        foreach (var (strategy, fixture) in StrategyCatalog.All.SelectMany(s => fixtures.Select(f => (s.Name, f))))
        {
            using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
            using var model = Loader.Load(checkpoint, new LoadOptions { Strategy = strategy }, engine);

            foreach (var (name, tensor) in model)
            {
                probe.DType(tensor.Handle!).Should().Be(engine.Library.CodeOf(tensor.DType), name);
                probe.DeviceType(tensor.Handle!).Should().Be(Cpu);
                probe.Sizes(tensor.Handle!).Should().Equal(tensor.Shape);
                probe.Strides(tensor.Handle!).Should().Equal(tensor.Strides);
                if (tensor.ElementCount == 0) continue;
                var first = ((HostStorage)tensor.Storage).Pointer + tensor.Layout.StorageOffset * tensor.DType.BytesPerElement;
                ((nint)engine.Library.DataPointer(tensor.Handle!)).Should().Be((nint)first, name);
            }
        }
    }

    [Fact]
    public void A_skeleton_on_meta_has_shapes_and_no_memory()
    {
        var engine = New();
        var probe = new TorchProbe(engine.Library);
        using var checkpoint = Checkpoint.Open(Fixtures.Path("views.pth"));
        using var load = new LoadContext(checkpoint, new LoadOptions(), engine, StrategyCatalog.Find("mmap-assign"));

        foreach (var tensor in load.Skeleton(on: Device.Meta).Values)
        {
            probe.DeviceType(tensor.Handle!).Should().Be(Meta);
            probe.Sizes(tensor.Handle!).Should().Equal(tensor.Shape);
            ((nint)engine.Library.DataPointer(tensor.Handle!)).Should().Be(0);
        }
    }

    [Fact]
    public void Views_of_owned_memory_share_one_storage_of_libtorchs()
    {
        var engine = New();
        using var checkpoint = Checkpoint.Open(Fixtures.Path("tied.pth"));
        using var model = Loader.Load(checkpoint, new LoadOptions { Strategy = "meta-assign" }, engine);
        var probe = new TorchProbe(engine.Library);

        model.Values.Should().OnlyContain(t => probe.StorageBytes(t.Handle!) == t.Storage.Bytes);
        using var alias = probe.Alias(model["tok_emb.weight"].Handle!);
        var before = model["tok_emb.weight"].AsSpan<float>()[..4].ToArray();
        model.Dispose();

        // The model's share is given back; the alias's is not, and its memory stays.
        engine.Host.CurrentBytes.Should().Be(0);
        new ReadOnlySpan<float>(engine.Library.DataPointer(alias), 4).ToArray().Should().Equal(before);
    }

    [Fact]
    public void A_handle_keeps_the_mapping_that_it_views_whatever_is_disposed_first()
    {
        var engine = New();
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("gpt2-tiny.pth"));
        var model = Loader.Load(path, new LoadOptions { Engine = EngineNames.Libtorch });
        var tensor = model["tok_emb.weight"];
        var (handle, expected) = (tensor.Handle!, tensor.AsSpan<float>()[0]);
        var kept = false;
        handle.DangerousAddRef(ref kept);

        model.Dispose();

        // The model is gone, but the handle is in use: its memory is still the file's.
        handle.IsMapped.Should().BeTrue();
        (*(float*)engine.Library.DataPointer(handle)).Should().Be(expected);
        IsMapped().Should().BeTrue();
        handle.DangerousRelease();
        IsMapped().Should().BeFalse();

        bool IsMapped() => File.ReadLines("/proc/self/maps").Any(line => line.EndsWith(path, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("mmap-assign")]
    [InlineData("eager")]
    [InlineData("streamed")]
    public void Two_hundred_loads_leave_no_memory_and_no_tensor(string strategy)
    {
        var engine = New();
        Repeat(50);
        using var process = ProcessMemory.Open();
        var alive = engine.Library.LivingTensors;

        // A leak grows in every round. What the runtime and malloc keep for later comes in one round and not in the next.
        var leastGrownBytes = Enumerable.Range(0, 3).Min(_ =>
        {
            var before = process.Read().AnonBytes;
            Repeat(200);
            return process.Read().AnonBytes - before;
        });

        engine.Library.LivingTensors.Should().Be(alive, "every tensor that was made was deleted, and once");
        leastGrownBytes.Should().BeLessThan(2 * ByteSize.MiB);

        void Repeat(int times)
        {
            for (var i = 0; i < times; i++) Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Strategy = strategy, Engine = EngineNames.Libtorch }).Dispose();
            GC.Collect();
            GC.WaitForPendingFinalizers();
            // Else what the collector keeps for the next allocations comes and goes by some MiB.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
        }
    }

    [Fact]
    public void A_model_that_nobody_disposed_is_given_back_by_finalizers()
    {
        var engine = New();
        var alive = engine.Library.LivingTensors;
        Forget();

        for (var i = 0; i < 10 && engine.Library.LivingTensors > alive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        engine.Library.LivingTensors.Should().Be(alive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget()
        {
            foreach (var strategy in (string[])["mmap-assign", "meta-assign"])
            {
                Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Strategy = strategy, Engine = EngineNames.Libtorch }).Count.Should().BePositive();
            }
        }
    }

    [Fact]
    public void A_null_reference_is_still_an_exception()
    {
        _ = New();
        string? nothing = null;

        // A handler of SIGSEGV that some library brought along would end the process here.
        FluentActions.Invoking(() => nothing!.Length).Should().Throw<NullReferenceException>();
    }

    [Fact]
    public void More_memory_than_there_is_is_refused_in_a_sentence()
    {
        var engine = New();

        engine.Invoking(e => e.Allocate(Device.Cpu, 1L << 60)).Should().Throw<DeviceOutOfMemoryException>().WithMessage("cpu is out of memory: asked for *");
        engine.Host.CurrentBytes.Should().Be(0);
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    [Fact]
    public void A_dtype_that_libtorch_does_not_have_is_refused_by_name()
    {
        foreach (var strategy in StrategyCatalog.All.Select(s => s.Name))
        {
            var engine = New();
            using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/bits.pth"));

            FluentActions.Invoking(() => Loader.Load(checkpoint, new LoadOptions { Strategy = strategy }, engine)).Should().Throw<CheckpointException>()
                .WithMessage("*bits.pth: tensor '*' is bits*, which libtorch* does not have: use the engine native", strategy);
            engine.Host.CurrentBytes.Should().Be(0, strategy);
        }
    }

    [Fact]
    public void The_engine_says_which_libtorch_it_took() =>
        New().Description.Should().MatchRegex(@"^libtorch \d+\.\d+.* \(/.*/libtorch_cpu\.so[.\d]*\)$");

    private static TorchEngine New()
    {
        var there = Libtorch.TryFind(out var whyNot);
        Assert.SkipUnless(there, whyNot);
        return new TorchEngine();
    }
}
