using System.Globalization;
using System.Text.Json;
using Loadline.Gauges;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes;
using Loadline.Strategies;

namespace Loadline.Benchmarks.Gpu;

/// <summary>Where a record lies, and how one begins.</summary>
internal static class GpuRecordFile
{
    /// <summary>Writes the record and its page.</summary>
    public static void Save(this GpuRecord record, string folder)
    {
        RecordJson.Write(PathIn(folder), record);
        File.WriteAllText(Path.Combine(folder, $"{record.Date}-gpu.md"), GpuMarkdown.Of(record));
    }

    /// <summary>The record of a folder, or null.</summary>
    public static GpuRecord? Find(string folder) => File.Exists(PathIn(folder)) ? RecordJson.Read<GpuRecord>(PathIn(folder)) : null;

    /// <summary>The record that measurements go into: the folder's, if it is of this machine, else a new one.</summary>
    /// <exception cref="InvalidOperationException">The folder's is of another machine, device or PyTorch: their figures must not stand side by side.</exception>
    public static async Task<GpuRecord> OpenAsync(GpuOptions options, Nvml? gpu, CancellationToken cancellation)
    {
        var load = new LoadOptions();
        var now = new GpuRecord
        {
            Date = DateTime.Now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            Device = options.Device.ToString(),
            Machine = new GpuMachine(
                gpu?.Name ?? Nvidia.Here.Gpu, gpu?.Driver ?? Nvidia.Here.Driver, Processor(), Environment.ProcessorCount, MemoryLimit.PhysicalBytes(),
                RunEnvironment.KernelRelease()),
            Versions = await VersionsAsync(options, cancellation),
            RingBytes = load.RingBytes,
            Readers = load.Readers,
        };
        if (Find(options.Folder) is not { } there) return now;
        return (there.Machine, there.Versions, there.Device, there.RingBytes, there.Readers) == (now.Machine, now.Versions, now.Device, now.RingBytes, now.Readers)
            ? there
            : throw new InvalidOperationException($"{PathIn(options.Folder)} was measured on another machine or with other programs: name another folder");
    }

    private static string PathIn(string folder) => Path.Combine(folder, "gpu.json");

    private static async Task<GpuVersions> VersionsAsync(GpuOptions options, CancellationToken cancellation)
    {
        try
        {
            var end = await MeasuredProcess.RunAsync([.. options.Python, options.PeersPath, "versions"], gpu: null, cancellation);
            return JsonSerializer.Deserialize<GpuVersions>(end.LastLine, JsonSerializerOptions.Web)!;
        }
        catch (ContenderException e)
        {
            Console.Error.WriteLine($"no PyTorch to compare with: {e.Message}");
            return new GpuVersions(null, null, null, null);
        }
    }

    private static string Processor() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown processor";
}
