using System.Runtime.CompilerServices;
using Loadline.Examples;
using Loadline.Gauges;
using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Torch;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>Whose memory it is: nothing is copied, nothing is freed twice, nothing stays.</summary>
public class HandoverTests
{
    /// <summary>What was freed and lies between what is in use: the C library's heap keeps about 10 KiB of it for each of the first loads of so small a model.</summary>
    private const long HeapEnds = 16 * ByteSize.MiB;

    private static readonly string Tiny = Fixtures.Path("gpt2-tiny.pth");

    public HandoverTests() => torch.InitializeDeviceType(DeviceType.CPU);

    [Theory]
    [InlineData("mmap-assign")]
    [InlineData("streamed")]
    public void A_tensor_goes_to_TorchSharp_and_back_without_a_copy_and_is_freed_once(string strategy)
    {
        var alive = TorchLibrary.Load().LivingTensors;
        using (var model = Loader.Load(Tiny, Libtorch(strategy)))
        {
            var handle = model["tok_emb.weight"].Handle!;
            var first = model["tok_emb.weight"].AsSpan<float>()[0];
            for (var i = 0; i < 1000; i++)
            {
                Handover.Lend(handle, lent => (lent.Handle == handle.DangerousGetHandle(), lent[0, 0].item<float>())).Should().Be((true, first));
            }

            Memory.Collect();
            handle.IsClosed.Should().BeFalse();
            model["tok_emb.weight"].AsSpan<float>()[0].Should().Be(first);
        }

        TorchLibrary.Load().LivingTensors.Should().Be(alive);
    }

    [Theory]
    [InlineData("mmap-assign")]
    [InlineData("streamed")]
    public void A_tensor_of_TorchSharps_over_the_same_bytes_outlives_the_model(string strategy)
    {
        torch.Tensor kept;
        float[] expected;
        using (var model = Loader.Load(Tiny, Libtorch(strategy)))
        {
            var tensor = model["tok_emb.weight"];
            kept = tensor.ToTorchSharp();
            expected = tensor.AsSpan<float>().ToArray();
            expected[0] = 42;
            kept[0, 0] = 42f;
            tensor.AsSpan<float>()[0].Should().Be(42, "it is the same memory");
        }

        Memory.Collect();
        kept.data<float>().ToArray().Should().Equal(expected);
        kept.Dispose();
    }

    [Fact]
    public void A_native_engines_tensor_is_not_TorchSharps()
    {
        using var model = Loader.Load(Tiny);

        FluentActions.Invoking(() => model["tok_emb.weight"].ToTorchSharp()).Should().Throw<InvalidOperationException>().WithMessage("only tensors of the engine libtorch*");
    }

    [Fact]
    public void The_mapping_stays_while_a_parameter_does_and_goes_with_it()
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Tiny);
        var weight = LoadAndForgetTheModule(path);

        Memory.Collect();
        Memory.Mappings(path).Should().NotBeEmpty();
        weight.sum().item<float>().Should().NotBe(0);

        weight.Dispose();
        weight = null;
        Memory.Collect();
        Memory.Mappings(path).Should().BeEmpty();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static torch.Tensor LoadAndForgetTheModule(string path)
        {
            var module = NewTiny();
            module.LoadWeights(path);
            return module.state_dict()["out_head.weight"];
        }
    }

    [Theory]
    [InlineData("mmap-assign")]
    [InlineData("streamed")]
    [InlineData("eager")]
    public void Four_hundred_loads_into_one_module_leave_no_memory_and_no_tensor(string strategy)
    {
        using var module = NewTiny();
        Repeat(100);
        using var process = ProcessMemory.Open();
        var (anonymous, alive, tensors) = (process.Read().AnonBytes, TorchLibrary.Load().LivingTensors, torch.Tensor.TotalCount);

        Repeat(400);

        (TorchLibrary.Load().LivingTensors, torch.Tensor.TotalCount).Should().Be((alive, tensors));
        (process.Read().AnonBytes - anonymous).Should().BeLessThan(HeapEnds, "a load that kept its weights would leave 50 MiB");

        void Repeat(int times)
        {
            for (var i = 0; i < times; i++) module.LoadWeights(Tiny, strategy);
            Memory.Collect();
        }
    }

    [Theory]
    [InlineData("mmap-assign")]
    [InlineData("streamed")]
    [InlineData("eager")]
    public void A_module_that_is_disposed_gives_its_weights_back(string strategy)
    {
        Repeat(400, strategy);
        using var process = ProcessMemory.Open();
        // TorchSharp keeps 15 KiB of every module of this size that is built and disposed, loaded or not.
        var builds = Growth(null);
        var alive = TorchLibrary.Load().LivingTensors;

        var loads = Growth(strategy);

        TorchLibrary.Load().LivingTensors.Should().Be(alive);
        Memory.Mappings(Tiny).Should().BeEmpty();
        (loads - builds).Should().BeLessThan(HeapEnds, "400 modules that kept their weights would leave 50 MiB");

        long Growth(string? of)
        {
            var before = process.Read().AnonBytes;
            Repeat(400, of);
            return process.Read().AnonBytes - before;
        }

        void Repeat(int times, string? of)
        {
            for (var i = 0; i < times; i++) BuildAndDispose(of);
            Memory.Collect();
        }

        // A method of its own: what it refers to is out of reach when it has returned.
        [MethodImpl(MethodImplOptions.NoInlining)]
        void BuildAndDispose(string? strategy)
        {
            using var module = NewTiny();
            if (strategy is not null) module.LoadWeights(Tiny, strategy);
        }
    }

    private static Gpt2 NewTiny() => Skeleton.Build(() => new Gpt2(vocabulary: 97, context: 16, width: 24, heads: 4, layers: 3));

    private static LoadOptions Libtorch(string strategy) => new() { Strategy = strategy, Engine = EngineNames.Libtorch };
}
