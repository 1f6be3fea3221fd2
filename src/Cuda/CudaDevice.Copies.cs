using System.Collections.Concurrent;

namespace Loadline.Cuda;

/// <summary>Copies: those that are over when the call returns, and those that go on behind it.</summary>
internal sealed unsafe partial class CudaDevice
{
    // Its work does not wait for the default stream's, which belongs to whoever else is in the process.
    private const uint StreamNonBlocking = 1;

    // A thread that waits sleeps, and times are not taken.
    private const uint EventBlockingSync = 1;
    private const uint EventDisableTiming = 2;

    private readonly ConcurrentBag<nint> _idleStreams = [];

    /// <summary>A copy from the host, over when this returns. The driver takes memory that is not pinned through memory of its own.</summary>
    /// <exception cref="CudaException">A call failed.</exception>
    public void CopyFromHost(ulong to, void* from, long bytes)
    {
        using var current = Enter();
        Complete(stream => (_driver.MemcpyHtoDAsync(to, from, (nuint)bytes, stream), "cuMemcpyHtoDAsync"));
    }

    /// <summary>A copy to the host, over when this returns.</summary>
    /// <exception cref="CudaException">A call failed.</exception>
    public void CopyToHost(void* to, ulong from, long bytes)
    {
        using var current = Enter();
        Complete(stream => (_driver.MemcpyDtoHAsync(to, from, (nuint)bytes, stream), "cuMemcpyDtoHAsync"));
    }

    /// <summary>A copy from another place on this device, over when this returns.</summary>
    /// <exception cref="CudaException">A call failed.</exception>
    public void CopyOnDevice(ulong to, ulong from, long bytes)
    {
        using var current = Enter();
        Complete(stream => (_driver.MemcpyDtoDAsync(to, from, (nuint)bytes, stream), "cuMemcpyDtoDAsync"));
    }

    /// <summary>Makes queues for so many threads that copy at once: beside other threads' copies the driver takes a hundred times as long for each.</summary>
    /// <exception cref="CudaException">A call failed.</exception>
    public void PrepareFor(int threads)
    {
        using var current = Enter();
        while (_idleStreams.Count < threads) _idleStreams.Add(NewStream());
    }

    /// <summary>A queue of copies of its own.</summary>
    /// <exception cref="CudaException">The call failed.</exception>
    public nint CreateStream()
    {
        using var current = Enter();
        return NewStream();
    }

    /// <summary>Ends a queue that is empty. Throws nothing: <see cref="ThrowIfReleaseFailed"/>.</summary>
    public void DestroyStream(nint stream)
    {
        using var current = EnterToRelease();
        Note(_driver.StreamDestroy(stream), "cuStreamDestroy");
    }

    /// <summary>A mark that can be set behind copies, and waited for. Unset, nobody waits for it.</summary>
    /// <exception cref="CudaException">The call failed.</exception>
    public nint CreateEvent()
    {
        using var current = Enter();
        Check(_driver.EventCreate(out var created, EventBlockingSync | EventDisableTiming), "cuEventCreate");
        return created;
    }

    /// <summary>Takes a mark away. Throws nothing: <see cref="ThrowIfReleaseFailed"/>.</summary>
    public void DestroyEvent(nint mark)
    {
        using var current = EnterToRelease();
        Note(_driver.EventDestroy(mark), "cuEventDestroy");
    }

    /// <summary>Waits until all copies before a mark are over.</summary>
    /// <exception cref="CudaException">One of them failed.</exception>
    public void WaitFor(nint mark)
    {
        using var current = Enter();
        Check(_driver.EventSynchronize(mark), "cuEventSynchronize");
    }

    /// <summary>Queues copies from pinned memory and a mark behind them, and returns while they run.</summary>
    /// <exception cref="CudaException">A call failed; copies before it may be under way.</exception>
    public void StartCopies(IEnumerable<HostCopy> copies, nint stream, nint mark)
    {
        using var current = Enter();
        foreach (var copy in copies) Check(_driver.MemcpyHtoDAsync(copy.To, copy.From, (nuint)copy.Bytes, stream), "cuMemcpyHtoDAsync");
        Check(_driver.EventRecord(mark, stream), "cuEventRecord");
    }

    /// <summary>Waits until all copies of a queue are over.</summary>
    /// <exception cref="CudaException">One of them failed.</exception>
    public void Drain(nint stream)
    {
        using var current = Enter();
        Check(_driver.StreamSynchronize(stream), "cuStreamSynchronize");
    }

    /// <summary>Waits in order to give back what copies use, whatever became of them. Throws nothing: <see cref="ThrowIfReleaseFailed"/>.</summary>
    public void DrainToRelease(nint stream)
    {
        using var current = EnterToRelease();
        Note(_driver.StreamSynchronize(stream), "cuStreamSynchronize");
    }

    // Several threads may copy at once, each on a queue that nobody else waits for.
    private void Complete(Func<nint, (CudaResult Result, string Call)> copy)
    {
        if (!_idleStreams.TryTake(out var stream)) stream = NewStream();
        try
        {
            var (result, call) = copy(stream);
            Check(result, call);
            Check(_driver.StreamSynchronize(stream), "cuStreamSynchronize");
        }
        finally
        {
            _idleStreams.Add(stream);
        }
    }

    private nint NewStream()
    {
        Check(_driver.StreamCreate(out var stream, StreamNonBlocking), "cuStreamCreate");
        return stream;
    }

    private void DestroyIdleStreams()
    {
        if (_idleStreams.IsEmpty) return;
        using var current = EnterToRelease();
        while (_idleStreams.TryTake(out var stream)) Note(_driver.StreamDestroy(stream), "cuStreamDestroy");
    }
}

/// <summary>A copy from pinned memory.</summary>
/// <param name="To">Where it goes, on the device.</param>
/// <param name="From">Where it comes from: SAFETY: pinned, and left alone until the copy is over.</param>
/// <param name="Bytes">How much.</param>
internal readonly unsafe struct HostCopy(ulong To, byte* From, long Bytes)
{
    public ulong To { get; } = To;

    public byte* From { get; } = From;

    public long Bytes { get; } = Bytes;
}
