using System.Collections.Immutable;
using Loadline.Checkpoints;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Unit.Tensors.Memory;

/// <summary>What a load fills stays until the load has ended, and what was freed is not touched.</summary>
public class TensorsByNameTests
{
    private static readonly ImmutableArray<long> Four = [4];

    [Fact]
    public void A_second_tensor_of_a_name_is_refused_and_the_first_one_stays()
    {
        var engine = TestEngine.New();
        using var tensors = new StateDict(engine);
        using var memory = new Lease(engine);
        tensors.Add("w", memory.Layout, memory.Storage);

        FluentActions.Invoking(() => tensors.Add("w", memory.Layout, memory.Storage)).Should().Throw<ArgumentException>().WithMessage("*'w'*");

        tensors["w"].Storage.Should().BeSameAs(memory.Storage);
    }

    [Fact]
    public void Memory_that_was_freed_has_no_address()
    {
        var storage = (HostStorage)TestEngine.New().Allocate(Device.Cpu, 16);
        storage.Slice(0, 16).Clear();
        storage.Release();

        FluentActions.Invoking(() => storage.Write(0, [1])).Should().Throw<ObjectDisposedException>();
    }

    private sealed class Lease(Engine engine) : IDisposable
    {
        public TensorEntry Layout { get; } = new("w", DType.Float32, Four, [1], 0, new StorageEntry("file", 0, 16));

        public Storage Storage { get; } = engine.Allocate(Device.Cpu, 16);

        public void Dispose() => Storage.Release();
    }
}
