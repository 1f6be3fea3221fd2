using System.Globalization;
using System.Runtime.InteropServices;

namespace Loadline.Cuda;

/// <summary>
/// A GPU with this process's primary context on it, which other libraries in the process share. Whoever keeps something there holds a reference; the
/// last one gives the context back. Any thread may call: the context is current only during a call, so that no thread is left with another one
/// than it had.
/// </summary>
internal sealed partial class CudaDevice
{
    // The first driver with all entry points of LibCuda.
    private const int LeastVersion = 11_000;
    private const int ComputeModeProhibited = 2;
    private const string GiveGpu = "see what nvidia-smi says, and in a container whether it was given the GPU (docker run --gpus all)";

    private readonly ICudaDriver _driver;
    private readonly int _device;
    private readonly nint _context;
    private int _references = 1;
    private CudaException? _releaseFailure;

    private CudaDevice(ICudaDriver driver, int index)
    {
        (_driver, Index) = (driver, index);
        Check(driver.DeviceGet(out _device, index), "cuDeviceGet");
        if (Attribute(DeviceAttribute.ComputeMode) == ComputeModeProhibited)
        {
            throw new CudaUnavailableException($"{this}: its compute mode allows no context: set another one with nvidia-smi --compute-mode=0");
        }

        Check(driver.DevicePrimaryCtxRetain(out _context, _device), "cuDevicePrimaryCtxRetain", "has the GPU memory left, and may this process use it? nvidia-smi shows both");
    }

    /// <summary>Its number among those that the driver shows.</summary>
    public int Index { get; }

    /// <summary>Opens a device: the driver is initialised, and a context is made unless this process has one there. The caller owns one reference.</summary>
    /// <exception cref="CudaUnavailableException">There is no driver, no device of that number, or the driver is too old.</exception>
    /// <exception cref="CudaException">A call failed.</exception>
    public static CudaDevice Open(ICudaDriver driver, int index)
    {
        RequireDriver(driver, index);
        var result = driver.DeviceGetCount(out var count);
        if (result != CudaResult.Success) throw new CudaException(NameOf(index), "cuDeviceGetCount", result, driver);
        if (index < count) return new CudaDevice(driver, index);
        throw count switch
        {
            0 => NoGpu(index),
            1 => new CudaUnavailableException($"{NameOf(index)}: there is 1 GPU: use cuda:0"),
            _ => new CudaUnavailableException($"{NameOf(index)}: there are {count} GPUs: use cuda:0 to {NameOf(count - 1)}"),
        };
    }

    /// <summary>Another owner: it must call <see cref="Release"/> once.</summary>
    public CudaDevice Share()
    {
        Interlocked.Increment(ref _references);
        return this;
    }

    /// <summary>Gives up a reference. With the last one the context goes, and whatever this process left in it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _references) > 0) return;
        DestroyIdleStreams();
        Note(_driver.DevicePrimaryCtxRelease(_device), "cuDevicePrimaryCtxRelease");
    }

    /// <summary>
    /// What went wrong where memory, streams or events were given back. That throws nothing itself, so that the rest is given back, too; a load asks
    /// here before it says that it succeeded.
    /// </summary>
    /// <exception cref="CudaException">The first failure.</exception>
    public void ThrowIfReleaseFailed()
    {
        if (Interlocked.Exchange(ref _releaseFailure, null) is { } failure) throw failure;
    }

    /// <summary>The driver's figures. They need no copy to be over.</summary>
    /// <exception cref="CudaException">The call failed.</exception>
    public DeviceMemory Memory()
    {
        using var current = Enter();
        Check(_driver.MemGetInfo(out var free, out var total), "cuMemGetInfo");
        return new DeviceMemory((long)free, (long)total);
    }

    /// <summary>The GPU for people, as in <c>NVIDIA H100 80GB HBM3, compute capability 9.0, driver for CUDA 12.6</c>.</summary>
    /// <exception cref="CudaException">A call failed.</exception>
    public unsafe string Describe()
    {
        const int nameBytes = 256;
        var name = stackalloc byte[nameBytes];
        Check(_driver.DeviceGetName(name, nameBytes, _device), "cuDeviceGetName");
        Check(_driver.DriverGetVersion(out var version), "cuDriverGetVersion");
        var (major, minor) = (Attribute(DeviceAttribute.ComputeCapabilityMajor), Attribute(DeviceAttribute.ComputeCapabilityMinor));
        return $"{Marshal.PtrToStringUTF8((nint)name)}, compute capability {major}.{minor}, driver for CUDA {VersionText(version)}";
    }

    /// <summary>As on the command line: <c>cuda:0</c>.</summary>
    public override string ToString() => NameOf(Index);

    private static void RequireDriver(ICudaDriver driver, int index)
    {
        try
        {
            var result = driver.Init(0);
            if (result == CudaResult.NoDevice) throw NoGpu(index);
            if (result != CudaResult.Success) throw new CudaUnavailableException($"{NameOf(index)}: {CudaException.Describe("cuInit", result, driver)}: {GiveGpu}");
            result = driver.DriverGetVersion(out var version);
            if (result != CudaResult.Success) throw new CudaException(NameOf(index), "cuDriverGetVersion", result, driver);
            if (version < LeastVersion) throw TooOld(index, $"CUDA {VersionText(version)}");
        }
        catch (DllNotFoundException e)
        {
            throw new CudaUnavailableException($"{NameOf(index)}: there is no libcuda.so.1: install NVIDIA's driver; {GiveGpu}", e);
        }
        catch (EntryPointNotFoundException e)
        {
            throw TooOld(index, "less than that", e);
        }
    }

    private static CudaUnavailableException NoGpu(int index) => new($"{NameOf(index)}: the driver shows no GPU: {GiveGpu}");

    private static CudaUnavailableException TooOld(int index, string found, Exception? inner = null) =>
        new($"{NameOf(index)}: the driver is for {found}, and CUDA {VersionText(LeastVersion)} is the least: install driver 450 or newer", inner);

    private static string NameOf(int index) => FormattableString.Invariant($"cuda:{index}");

    // 1000 for each major and 10 for each minor version.
    private static string VersionText(int version) => string.Create(CultureInfo.InvariantCulture, $"{version / 1000}.{version % 1000 / 10}");

    private int Attribute(DeviceAttribute attribute)
    {
        Check(_driver.DeviceGetAttribute(out var value, attribute, _device), "cuDeviceGetAttribute");
        return value;
    }

    private void Check(CudaResult result, string call, string? next = null)
    {
        if (result != CudaResult.Success) throw new CudaException(ToString(), call, result, _driver, next);
    }

    private void Note(CudaResult result, string call)
    {
        if (result != CudaResult.Success) Interlocked.CompareExchange(ref _releaseFailure, new CudaException(ToString(), call, result, _driver), null);
    }

    private Current Enter()
    {
        Check(_driver.CtxPushCurrent(_context), "cuCtxPushCurrent");
        return new Current(this);
    }

    // What is given back is given back even so: the driver may report here what went wrong before.
    private Current EnterToRelease()
    {
        var result = _driver.CtxPushCurrent(_context);
        Note(result, "cuCtxPushCurrent");
        return new Current(result == CudaResult.Success ? this : null);
    }

    /// <summary>The time during which the context is this thread's current one.</summary>
    private readonly ref struct Current(CudaDevice? device)
    {
        public void Dispose() => device?.Note(device._driver.CtxPopCurrent(out _), "cuCtxPopCurrent");
    }
}
