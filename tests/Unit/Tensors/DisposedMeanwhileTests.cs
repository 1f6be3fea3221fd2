using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Memory;

namespace Loadline.Unit.Tensors;

/// <summary>One thread reads a tensor while another disposes it: the memory stays until the read is over, and is never read after that.</summary>
public sealed class DisposedMeanwhileTests
{
    [Fact]
    public void The_memory_stays_until_a_copy_is_over_and_goes_with_it()
    {
        using var storage = new SlowStorage(bytes: 8);
        var tensor = storage.Tensor();
        var values = new float[2];
        var copy = new Thread(() => tensor.CopyTo<float>(values));
        copy.Start();
        storage.IsRead.Wait(TestContext.Current.CancellationToken);

        tensor.Dispose();
        storage.IsFreed.Should().BeFalse();
        storage.MayGoOn.Set();
        copy.Join();

        storage.IsFreed.Should().BeTrue();
        values.Should().Equal(1, 1);
        tensor.Invoking(t => t.CopyTo<float>(values)).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void What_is_freed_does_not_come_back_by_a_new_owner()
    {
        using var storage = new SlowStorage(bytes: 8);
        storage.Share().Release();
        storage.Release();
        storage.IsFreed.Should().BeTrue();

        storage.Invoking(s => s.Share()).Should().Throw<ObjectDisposedException>();
    }

    [Theory]
    [InlineData("streamed")]
    [InlineData("mmap-assign")]
    public void A_model_that_is_disposed_while_it_is_saved_leaves_nothing_and_one_that_was_is_not_saved(string strategy)
    {
        using var folder = new TemporaryFolder();
        var model = Loader.Load(Fixtures.Path("gpt2-tiny.safetensors"), new LoadOptions { Strategy = strategy });
        model["out_head.weight"].Dispose();

        model.Invoking(m => m.Save(folder["saved.pth"])).Should().Throw<ObjectDisposedException>();
        model.Dispose();
        model.Invoking(m => m.Save(folder["saved.pth"])).Should().Throw<ObjectDisposedException>();

        folder.Names.Should().BeEmpty();
    }

    /// <summary>All ones, which come when they may.</summary>
    private sealed class SlowStorage(long bytes) : Storage(Device.Cpu, bytes), IReadableStorage, IDisposable
    {
        public ManualResetEventSlim IsRead { get; } = new();

        public ManualResetEventSlim MayGoOn { get; } = new();

        public bool IsFreed { get; private set; }

        /// <summary>A tensor that is the only owner.</summary>
        public Tensor Tensor()
        {
            var tensor = new Tensor(new TensorEntry("w", DType.Float32, [2], [1], 0, new StorageEntry("", 0, Bytes)), this, handle: null);
            Release();
            return tensor;
        }

        public void Read(long offset, Span<byte> destination)
        {
            IsRead.Set();
            MayGoOn.Wait();
            if (IsFreed) throw new InvalidOperationException("read after it was freed");
            System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(destination).Fill(1);
        }

        public override void Write(long offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();

        public override void CopyFrom(Storage source) => throw new NotSupportedException();

        public void Dispose()
        {
            IsRead.Dispose();
            MayGoOn.Dispose();
        }

        protected override void Free() => IsFreed = true;
    }
}
