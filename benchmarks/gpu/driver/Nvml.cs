using System.Runtime.InteropServices;
using System.Text;

namespace Loadline.Benchmarks.Gpu;

/// <summary>A GPU as its driver's management library sees it, from outside the programs that use it. What is there depends on no CUDA context of ours.</summary>
internal sealed partial class Nvml
{
    private const string Library = "libnvidia-ml.so.1";
    private const int NameChars = 96;
    private readonly nint _device;

    private Nvml(nint device) => _device = device;

    /// <summary>The GPU's model.</summary>
    public string? Name => Text((buffer, length) => nvmlDeviceGetName(_device, buffer, length));

    /// <summary>The driver's version.</summary>
    public string? Driver => Text(nvmlSystemGetDriverVersion);

    /// <summary>Bytes in use on the device by everybody; null where the driver does not say.</summary>
    public long? UsedBytes => nvmlDeviceGetMemoryInfo(_device, out var memory) == 0 ? (long)memory.Used : null;

    /// <summary>The GPU of CUDA's number, or null where there is no such library or GPU.</summary>
    /// <param name="number">Counted in the driver's order.</param>
    /// <param name="visible">CUDA_VISIBLE_DEVICES, in which CUDA counts and the driver does not; one that names GPUs otherwise than by number leaves no gauge.</param>
    public static Nvml? TryOpen(int number, string? visible)
    {
        var name = visible is null ? $"{number}" : visible.Split(',').ElementAtOrDefault(number);
        if (!int.TryParse(name, out var index)) return null;
        try
        {
            return nvmlInit_v2() == 0 && nvmlDeviceGetHandleByIndex_v2((uint)index, out var device) == 0 ? new Nvml(device) : null;
        }
        catch (DllNotFoundException)
        {
            return null;
        }
    }

    private static string? Text(Func<byte[], uint, int> read)
    {
        var buffer = new byte[NameChars];
        if (read(buffer, NameChars) != 0) return null;
        var end = Array.IndexOf(buffer, (byte)0);
        return Encoding.UTF8.GetString(buffer, 0, end < 0 ? buffer.Length : end);
    }

    [LibraryImport(Library)]
    private static partial int nvmlInit_v2();

    [LibraryImport(Library)]
    private static partial int nvmlDeviceGetHandleByIndex_v2(uint index, out nint device);

    [LibraryImport(Library)]
    private static partial int nvmlDeviceGetName(nint device, [Out] byte[] name, uint length);

    [LibraryImport(Library)]
    private static partial int nvmlSystemGetDriverVersion([Out] byte[] version, uint length);

    [LibraryImport(Library)]
    private static partial int nvmlDeviceGetMemoryInfo(nint device, out Memory memory);

    // nvmlMemory_t: three unsigned long long.
    [StructLayout(LayoutKind.Sequential)]
    private struct Memory
    {
        public ulong Total;
        public ulong Free;
        public ulong Used;
    }
}
