using Loadline.Tensors.Memory;
using Loadline.Tensors.Torch;

namespace Loadline.Tensors.Engines;

/// <summary>
/// Memory that libtorch's CPU allocator gave, as a tensor of bytes: what PyTorch's own modules and state dicts hold. A finalizer returns what
/// nobody disposed.
/// </summary>
internal sealed unsafe class TorchStorage : HostStorage
{
    private readonly TorchEngine _engine;
    private byte* _pointer;
    private int _owned;

    public TorchStorage(TorchEngine engine, long bytes)
        : base(bytes)
    {
        _engine = engine;
        Bytes1D = engine.Library.Empty(bytes);
        // SAFETY: the tensor's storage never moves or grows, because nobody resizes it, and lives until its last view is deleted.
        _pointer = engine.Library.DataPointer(Bytes1D);
        engine.Host.Add(bytes);
        // Not before: the finalizer runs for a constructor that threw, too.
        _owned = 1;
    }

    ~TorchStorage() => ReturnMemory();

    /// <summary>All bytes, as uint8.</summary>
    public TensorHandle Bytes1D { get; }

    public override byte* Pointer => _pointer is not null || Bytes == 0 ? _pointer : throw new ObjectDisposedException(nameof(TorchStorage));

    protected override void Free()
    {
        _engine.Observer.BeforeRelease(this);
        ReturnMemory();
        GC.SuppressFinalize(this);
    }

    private void ReturnMemory()
    {
        if (Interlocked.Exchange(ref _owned, 0) == 0) return;
        _pointer = null;
        Bytes1D.Dispose();
        _engine.Host.Subtract(Bytes);
    }
}
