using System.Runtime.InteropServices;

namespace Loadline.Cuda;

/// <summary>
/// <c>libcuda.so.1</c>, which belongs to the kernel's module and comes with it: on a machine with the driver, and in a container into which NVIDIA's
/// toolkit puts it. Nothing is loaded before the first call.
/// </summary>
/// <remarks>
/// SAFETY: the signatures are those of cuda.h 12.6 for 64-bit Linux: <c>CUdevice</c> is an int, <c>CUdeviceptr</c> 64 bits, <c>size_t</c> 64 bits, and
/// contexts, streams and events are pointers that only the driver looks into. Entry points are named by the version that the header maps each call
/// to, because those without a suffix take 32-bit sizes; CUDA 11.0 is the first that has all of them, and none was taken out since. Whoever passes a pointer to host memory
/// keeps it until the copy is over.
/// </remarks>
internal sealed unsafe partial class LibCuda : ICudaDriver
{
    private const string Library = "libcuda.so.1";

    /// <summary>The one driver of this machine.</summary>
    public static LibCuda Instance { get; } = new();

    public CudaResult Init(uint flags) => cuInit(flags);

    public CudaResult DriverGetVersion(out int version) => cuDriverGetVersion(out version);

    public CudaResult DeviceGetCount(out int count) => cuDeviceGetCount(out count);

    public CudaResult DeviceGet(out int device, int ordinal) => cuDeviceGet(out device, ordinal);

    public CudaResult DeviceGetName(byte* name, int length, int device) => cuDeviceGetName(name, length, device);

    public CudaResult DeviceGetAttribute(out int value, DeviceAttribute attribute, int device) => cuDeviceGetAttribute(out value, attribute, device);

    public CudaResult DevicePrimaryCtxRetain(out nint context, int device) => cuDevicePrimaryCtxRetain(out context, device);

    public CudaResult DevicePrimaryCtxRelease(int device) => cuDevicePrimaryCtxRelease_v2(device);

    public CudaResult CtxPushCurrent(nint context) => cuCtxPushCurrent_v2(context);

    public CudaResult CtxPopCurrent(out nint context) => cuCtxPopCurrent_v2(out context);

    public CudaResult MemGetInfo(out nuint freeBytes, out nuint totalBytes) => cuMemGetInfo_v2(out freeBytes, out totalBytes);

    public CudaResult MemAlloc(out ulong address, nuint bytes) => cuMemAlloc_v2(out address, bytes);

    public CudaResult MemFree(ulong address) => cuMemFree_v2(address);

    public CudaResult MemHostRegister(void* host, nuint bytes, uint flags) => cuMemHostRegister_v2(host, bytes, flags);

    public CudaResult MemHostUnregister(void* host) => cuMemHostUnregister(host);

    public CudaResult MemcpyHtoDAsync(ulong to, void* from, nuint bytes, nint stream) => cuMemcpyHtoDAsync_v2(to, from, bytes, stream);

    public CudaResult MemcpyDtoHAsync(void* to, ulong from, nuint bytes, nint stream) => cuMemcpyDtoHAsync_v2(to, from, bytes, stream);

    public CudaResult MemcpyDtoDAsync(ulong to, ulong from, nuint bytes, nint stream) => cuMemcpyDtoDAsync_v2(to, from, bytes, stream);

    public CudaResult StreamCreate(out nint stream, uint flags) => cuStreamCreate(out stream, flags);

    public CudaResult StreamSynchronize(nint stream) => cuStreamSynchronize(stream);

    public CudaResult StreamDestroy(nint stream) => cuStreamDestroy_v2(stream);

    public CudaResult EventCreate(out nint @event, uint flags) => cuEventCreate(out @event, flags);

    public CudaResult EventRecord(nint @event, nint stream) => cuEventRecord(@event, stream);

    public CudaResult EventSynchronize(nint @event) => cuEventSynchronize(@event);

    public CudaResult EventDestroy(nint @event) => cuEventDestroy_v2(@event);

    // The texts are the library's own and stay.
    public string? NameOf(CudaResult result) => cuGetErrorName(result, out var name) == CudaResult.Success ? Marshal.PtrToStringUTF8(name) : null;

    public string? TextOf(CudaResult result) => cuGetErrorString(result, out var text) == CudaResult.Success ? Marshal.PtrToStringUTF8(text) : null;

    [LibraryImport(Library)]
    private static partial CudaResult cuInit(uint flags);

    [LibraryImport(Library)]
    private static partial CudaResult cuDriverGetVersion(out int version);

    [LibraryImport(Library)]
    private static partial CudaResult cuDeviceGetCount(out int count);

    [LibraryImport(Library)]
    private static partial CudaResult cuDeviceGet(out int device, int ordinal);

    [LibraryImport(Library)]
    private static partial CudaResult cuDeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library)]
    private static partial CudaResult cuDeviceGetAttribute(out int value, DeviceAttribute attribute, int device);

    [LibraryImport(Library)]
    private static partial CudaResult cuDevicePrimaryCtxRetain(out nint context, int device);

    [LibraryImport(Library)]
    private static partial CudaResult cuDevicePrimaryCtxRelease_v2(int device);

    [LibraryImport(Library)]
    private static partial CudaResult cuCtxPushCurrent_v2(nint context);

    [LibraryImport(Library)]
    private static partial CudaResult cuCtxPopCurrent_v2(out nint context);

    [LibraryImport(Library)]
    private static partial CudaResult cuMemGetInfo_v2(out nuint freeBytes, out nuint totalBytes);

    [LibraryImport(Library)]
    private static partial CudaResult cuMemAlloc_v2(out ulong address, nuint bytes);

    [LibraryImport(Library)]
    private static partial CudaResult cuMemFree_v2(ulong address);

    [LibraryImport(Library)]
    private static partial CudaResult cuMemHostRegister_v2(void* host, nuint bytes, uint flags);

    [LibraryImport(Library)]
    private static partial CudaResult cuMemHostUnregister(void* host);

    [LibraryImport(Library)]
    private static partial CudaResult cuMemcpyHtoDAsync_v2(ulong to, void* from, nuint bytes, nint stream);

    [LibraryImport(Library)]
    private static partial CudaResult cuMemcpyDtoHAsync_v2(void* to, ulong from, nuint bytes, nint stream);

    [LibraryImport(Library)]
    private static partial CudaResult cuMemcpyDtoDAsync_v2(ulong to, ulong from, nuint bytes, nint stream);

    [LibraryImport(Library)]
    private static partial CudaResult cuStreamCreate(out nint stream, uint flags);

    [LibraryImport(Library)]
    private static partial CudaResult cuStreamSynchronize(nint stream);

    [LibraryImport(Library)]
    private static partial CudaResult cuStreamDestroy_v2(nint stream);

    [LibraryImport(Library)]
    private static partial CudaResult cuEventCreate(out nint @event, uint flags);

    [LibraryImport(Library)]
    private static partial CudaResult cuEventRecord(nint @event, nint stream);

    [LibraryImport(Library)]
    private static partial CudaResult cuEventSynchronize(nint @event);

    [LibraryImport(Library)]
    private static partial CudaResult cuEventDestroy_v2(nint @event);

    [LibraryImport(Library)]
    private static partial CudaResult cuGetErrorName(CudaResult result, out nint name);

    [LibraryImport(Library)]
    private static partial CudaResult cuGetErrorString(CudaResult result, out nint text);
}
