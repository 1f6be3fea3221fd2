using Loadline.Cuda;

namespace Loadline.Unit.Cuda;

/// <summary>Copies, the queues that they wait in, and the marks between them.</summary>
internal sealed unsafe partial class InMemoryDriver
{
    public CudaResult MemcpyHtoDAsync(ulong to, void* from, nuint bytes, nint stream)
    {
        OnUpload?.Invoke((nint)from, (long)bytes);
        return Call("cuMemcpyHtoDAsync", () => Queue(stream, from: (ulong)from, to, (long)bytes, onDevice: [to]));
    }

    public CudaResult MemcpyDtoHAsync(void* to, ulong from, nuint bytes, nint stream) =>
        Call("cuMemcpyDtoHAsync", () => Queue(stream, from, to: (ulong)to, (long)bytes, onDevice: [from]));

    public CudaResult MemcpyDtoDAsync(ulong to, ulong from, nuint bytes, nint stream) =>
        Call("cuMemcpyDtoDAsync", () => Queue(stream, from, to, (long)bytes, onDevice: [from, to]));

    public CudaResult StreamCreate(out nint stream, uint flags)
    {
        var handle = stream = NewHandle();
        return Call("cuStreamCreate", () => WithContext(device =>
        {
            _streams.Add(handle, new CopyQueue(device));
            return CudaResult.Success;
        }));
    }

    // Where it reports a failure, the work is over all the same.
    public CudaResult StreamSynchronize(nint stream) => Call("cuStreamSynchronize", () => WithStream(stream, queue => queue.RunAll()), givesBack: true);

    public CudaResult StreamDestroy(nint stream) => Call("cuStreamDestroy", () => WithStream(stream, queue =>
    {
        Require(queue.Waiting == 0, "a stream is destroyed under its copies");
        _streams.Remove(stream);
    }), givesBack: true);

    public CudaResult EventCreate(out nint @event, uint flags)
    {
        var handle = @event = NewHandle();
        return Call("cuEventCreate", () => WithContext(device =>
        {
            _events.Add(handle, (device, null, 0));
            return CudaResult.Success;
        }));
    }

    public CudaResult EventRecord(nint @event, nint stream) => Call("cuEventRecord", () => WithStream(stream, queue =>
    {
        if (Require(_events.TryGetValue(@event, out var mark), "an event that is not there is recorded")) _events[@event] = (mark.Device, queue, queue.Queued);
    }));

    public CudaResult EventSynchronize(nint @event) => Call("cuEventSynchronize", () => WithContext(_ =>
    {
        if (!Require(_events.TryGetValue(@event, out var mark), "an event that is not there is waited for")) return InvalidValue;
        mark.Stream?.RunUpTo(mark.Position);
        return CudaResult.Success;
    }));

    public CudaResult EventDestroy(nint @event) => Call("cuEventDestroy", () => WithContext(_ =>
        Require(_events.Remove(@event), "an event that is not there is destroyed") ? CudaResult.Success : InvalidValue), givesBack: true);

    private nint NewHandle() => (nint)Interlocked.Increment(ref _lastHandle);

    private CudaResult Queue(nint stream, ulong from, ulong to, long bytes, ulong[] onDevice) => WithStream(stream, queue =>
    {
        foreach (var address in onDevice)
        {
            var inside = _memory.Any(m => m.Value.Device == queue.Device && m.Key <= address && address + (ulong)bytes <= m.Key + (ulong)m.Value.Bytes);
            if (!Require(inside, "a copy reaches beyond an allocation of its device")) return;
        }

        queue.Add(from, to, bytes);
    });

    private CudaResult WithStream(nint stream, Action<CopyQueue> run) => WithContext(device =>
    {
        if (!Require(_streams.TryGetValue(stream, out var queue) && queue.Device == device, "a stream is used that is not the context's")) return InvalidValue;
        run(queue!);
        return CudaResult.Success;
    });

    /// <summary>Copies that were called for and are made when somebody waits.</summary>
    private sealed class CopyQueue(int device)
    {
        private readonly Queue<(ulong From, ulong To, long Bytes)> _copies = [];

        public int Device { get; } = device;

        public long Queued { get; private set; }

        public int Waiting => _copies.Count;

        public void Add(ulong from, ulong to, long bytes)
        {
            _copies.Enqueue((from, to, bytes));
            Queued++;
        }

        public bool Touches(ulong address, long bytes) => _copies.Any(c => Overlap(c.From, c.Bytes, address, bytes) || Overlap(c.To, c.Bytes, address, bytes));

        private static bool Overlap(ulong a, long aBytes, ulong b, long bBytes) => a < b + (ulong)bBytes && b < a + (ulong)aBytes;

        public void RunAll() => RunUpTo(Queued);

        public void RunUpTo(long position)
        {
            while (Queued - _copies.Count < position)
            {
                var (from, to, bytes) = _copies.Dequeue();
                Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes);
            }
        }
    }
}
