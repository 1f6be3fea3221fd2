namespace Loadline.Cuda;

/// <summary>Memory of the device, and host memory that it reaches by itself.</summary>
internal sealed unsafe partial class CudaDevice
{
    /// <summary>Takes memory. The driver packs what is small and rounds up what is large, to 2 MiB on most GPUs: <see cref="Memory"/> shows it.</summary>
    /// <param name="bytes">How many, at least 1: the driver refuses 0.</param>
    /// <param name="address">An address of the device.</param>
    /// <returns>Whether there was that much.</returns>
    /// <exception cref="CudaException">The call failed for another reason than want of memory.</exception>
    public bool TryAllocate(long bytes, out ulong address)
    {
        using var current = Enter();
        var result = _driver.MemAlloc(out address, (nuint)bytes);
        if (result == CudaResult.OutOfMemory) return false;
        Check(result, "cuMemAlloc");
        return true;
    }

    /// <summary>Gives memory back, of which no copy may be under way. Throws nothing: <see cref="ThrowIfReleaseFailed"/>.</summary>
    public void Free(ulong address)
    {
        using var current = EnterToRelease();
        Note(_driver.MemFree(address), "cuMemFree");
    }

    /// <summary>
    /// Locks pages of the host in RAM, so that copies from them run by themselves. They stay this process's anonymous memory, which a cap counts; memory
    /// that the driver hands out would be outside of what the engine knows.
    /// </summary>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public void Pin(void* host, long bytes)
    {
        using var current = Enter();
        Check(_driver.MemHostRegister(host, (nuint)bytes, flags: 0), "cuMemHostRegister", "there may be too little memory that can be pinned: try a smaller --ring");
    }

    /// <summary>Takes the lock off again, before the memory is freed. Throws nothing: <see cref="ThrowIfReleaseFailed"/>.</summary>
    public void Unpin(void* host)
    {
        using var current = EnterToRelease();
        Note(_driver.MemHostUnregister(host), "cuMemHostUnregister");
    }
}
