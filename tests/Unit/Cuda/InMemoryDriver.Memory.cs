using System.Runtime.InteropServices;
using Loadline.Cuda;

namespace Loadline.Unit.Cuda;

/// <summary>Contexts, and memory on both sides.</summary>
internal sealed unsafe partial class InMemoryDriver
{
    public CudaResult DevicePrimaryCtxRetain(out nint context, int device)
    {
        context = device;
        return Call("cuDevicePrimaryCtxRetain", () =>
        {
            _contexts[device] = _contexts.GetValueOrDefault(device) + 1;
            return Initialised();
        });
    }

    // The last one takes with it whatever is still there.
    public CudaResult DevicePrimaryCtxRelease(int device) => Call("cuDevicePrimaryCtxRelease", () =>
    {
        if (!Require(_contexts.GetValueOrDefault(device) > 0, "a context that nobody holds is given back")) return InvalidContext;
        if (--_contexts[device] > 0) return CudaResult.Success;
        foreach (var (address, memory) in _memory.ToList()) if (memory.Device == device) FreeMemory(address);
        foreach (var (host, pinned) in _pinned.ToList()) if (pinned.Device == device) _pinned.Remove(host);
        foreach (var (handle, stream) in _streams.ToList()) if (stream.Device == device) _streams.Remove(handle);
        foreach (var (handle, mark) in _events.ToList()) if (mark.Device == device) _events.Remove(handle);
        return CudaResult.Success;
    }, givesBack: true);

    public CudaResult CtxPushCurrent(nint context) => Call("cuCtxPushCurrent", () =>
    {
        if (!Require(_contexts.GetValueOrDefault((int)context) > 0, "a context that is gone is made current")) return InvalidContext;
        _current.Value!.Push((int)context);
        return CudaResult.Success;
    });

    public CudaResult CtxPopCurrent(out nint context)
    {
        context = 0;
        return Call("cuCtxPopCurrent", () => Require(_current.Value!.TryPop(out _), "a context is popped that was not pushed") ? CudaResult.Success : InvalidContext, givesBack: true);
    }

    public CudaResult MemGetInfo(out nuint freeBytes, out nuint totalBytes)
    {
        long free = 0;
        var result = Call("cuMemGetInfo", () => WithContext(device =>
        {
            free = TotalBytes - UsedBytes(device);
            return CudaResult.Success;
        }));
        (freeBytes, totalBytes) = ((nuint)free, (nuint)TotalBytes);
        return result;
    }

    public CudaResult MemAlloc(out ulong address, nuint bytes)
    {
        ulong allocated = 0;
        var result = Call("cuMemAlloc", () => WithContext(device =>
        {
            if (bytes == 0) return InvalidValue;
            if (Rounded((long)bytes) > Math.Min(LargestPieceBytes, TotalBytes - UsedBytes(device))) return CudaResult.OutOfMemory;
            allocated = (ulong)NativeMemory.Alloc(bytes);
            new Span<byte>((void*)allocated, (int)bytes).Fill(0xA5);
            _memory.Add(allocated, (device, (long)bytes));
            return CudaResult.Success;
        }));
        address = allocated;
        return result;
    }

    public CudaResult MemFree(ulong address) => Call("cuMemFree", () => WithContext(_ =>
    {
        if (!Require(_memory.TryGetValue(address, out var memory), "memory is freed that is not allocated")) return InvalidValue;
        Require(!_streams.Values.Any(s => s.Touches(address, memory.Bytes)), "memory is freed under a copy");
        FreeMemory(address);
        return CudaResult.Success;
    }), givesBack: true);

    public CudaResult MemHostRegister(void* host, nuint bytes, uint flags) => Call("cuMemHostRegister", () => WithContext(device =>
    {
        Require((nint)host % Environment.SystemPageSize == 0, "pinned memory does not begin on a page");
        Require(!_pinned.Any(p => (nint)host < p.Key + (nint)p.Value.Bytes && p.Key < (nint)host + (nint)bytes), "memory is pinned twice");
        _pinned.Add((nint)host, (device, (long)bytes));
        return CudaResult.Success;
    }));

    public CudaResult MemHostUnregister(void* host) => Call("cuMemHostUnregister", () => WithContext(_ =>
    {
        if (!Require(_pinned.Remove((nint)host, out var pinned), "memory is unpinned that is not pinned")) return InvalidValue;
        Require(!_streams.Values.Any(s => s.Touches((ulong)host, pinned.Bytes)), "memory is unpinned under a copy");
        return CudaResult.Success;
    }), givesBack: true);

    /// <summary>Whether memory of the host's was pinned, all of it at once.</summary>
    public bool IsPinned(nint host, long bytes)
    {
        lock (_lock) return _pinned.Any(p => p.Key <= host && host + bytes <= p.Key + p.Value.Bytes);
    }

    private static long Rounded(long bytes) => (bytes + Granularity - 1) / Granularity * Granularity;

    private long UsedBytes(int device) => ContextBytes + _memory.Values.Where(m => m.Device == device).Sum(m => Rounded(m.Bytes));

    private void FreeMemory(ulong address)
    {
        _memory.Remove(address);
        NativeMemory.Free((void*)address);
    }

    private CudaResult WithContext(Func<int, CudaResult> run) =>
        Require(CurrentDevice is not null || Failed == "cuCtxPushCurrent", "a call without a current context") && CurrentDevice is { } device ? run(device) : InvalidContext;
}
