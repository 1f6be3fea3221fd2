namespace Loadline.Cuda;

/// <summary>
/// The calls of the driver that are used, one method each under the header's name without <c>cu</c> and version suffix. <see cref="CudaDevice"/> is what
/// to work with; this is where the tests put a driver of their own.
/// </summary>
internal unsafe interface ICudaDriver
{
    CudaResult Init(uint flags);

    CudaResult DriverGetVersion(out int version);

    CudaResult DeviceGetCount(out int count);

    CudaResult DeviceGet(out int device, int ordinal);

    CudaResult DeviceGetName(byte* name, int length, int device);

    CudaResult DeviceGetAttribute(out int value, DeviceAttribute attribute, int device);

    CudaResult DevicePrimaryCtxRetain(out nint context, int device);

    CudaResult DevicePrimaryCtxRelease(int device);

    CudaResult CtxPushCurrent(nint context);

    CudaResult CtxPopCurrent(out nint context);

    CudaResult MemGetInfo(out nuint freeBytes, out nuint totalBytes);

    CudaResult MemAlloc(out ulong address, nuint bytes);

    CudaResult MemFree(ulong address);

    CudaResult MemHostRegister(void* host, nuint bytes, uint flags);

    CudaResult MemHostUnregister(void* host);

    CudaResult MemcpyHtoDAsync(ulong to, void* from, nuint bytes, nint stream);

    CudaResult MemcpyDtoHAsync(void* to, ulong from, nuint bytes, nint stream);

    CudaResult MemcpyDtoDAsync(ulong to, ulong from, nuint bytes, nint stream);

    CudaResult StreamCreate(out nint stream, uint flags);

    CudaResult StreamSynchronize(nint stream);

    CudaResult StreamDestroy(nint stream);

    CudaResult EventCreate(out nint @event, uint flags);

    CudaResult EventRecord(nint @event, nint stream);

    CudaResult EventSynchronize(nint @event);

    CudaResult EventDestroy(nint @event);

    /// <summary>The name of a result, as in <c>CUDA_ERROR_OUT_OF_MEMORY</c>; null where the driver does not know it.</summary>
    string? NameOf(CudaResult result);

    /// <summary>The driver's text for a result, as in <c>out of memory</c>; null where it does not know it.</summary>
    string? TextOf(CudaResult result);
}
