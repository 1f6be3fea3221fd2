using System.Runtime.CompilerServices;
using Loadline.Checkpoints;
using Loadline.Examples;
using Loadline.Strategies;
using Loadline.Strategies.Engines;
using Loadline.Strategies.Engines.Torch;
using Loadline.Strategies.Gauges;
using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>Whose memory it is: nothing is copied, nothing is freed twice, nothing stays.</summary>
public class HandoverTests
{
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
            kept.data<float>()[0] = expected[0] = 42;
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
    public void Two_hundred_loads_leave_no_memory_and_no_mapping(string strategy)
    {
        Repeat(50);
        using var process = ProcessMemory.Open();
        var (anonymous, alive) = (process.Read().AnonBytes, TorchLibrary.Load().LivingTensors);

        Repeat(200);

        TorchLibrary.Load().LivingTensors.Should().Be(alive);
        Memory.Mappings(Tiny).Should().BeEmpty();
        (process.Read().AnonBytes - anonymous).Should().BeLessThan(6 * ByteSize.MiB, "a load that kept its weights would leave 25 MiB");

        void Repeat(int times)
        {
            for (var i = 0; i < times; i++)
            {
                using var module = NewTiny();
                // Twice, so that a module's weights are replaced, too.
                module.LoadWeights(Tiny, strategy);
                module.LoadWeights(Tiny, strategy);
            }

            Memory.Collect();
        }
    }

    private static Gpt2 NewTiny() => Skeleton.Build(() => new Gpt2(vocabulary: 97, context: 16, width: 24, heads: 4, layers: 3));

    private static LoadOptions Libtorch(string strategy) => new() { Strategy = strategy, Engine = EngineNames.Libtorch };
}
