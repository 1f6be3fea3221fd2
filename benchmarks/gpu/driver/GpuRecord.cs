using System.Text.Json.Serialization;

namespace Loadline.Benchmarks.Gpu;

/// <summary>One run of one contender.</summary>
/// <param name="Seconds">By the program's own clock, after start-up, import and the CUDA context, until the device has everything.</param>
internal sealed record GpuRun(double Seconds)
{
    /// <summary>Anonymous and shared memory before the load, the context's host side included.</summary>
    public long? BaselineAnonymousBytes { get; init; }

    /// <summary>The highest of it, the process's own included.</summary>
    public long? PeakAnonymousBytes { get; init; }

    /// <summary>What tensors asked of the device at the peak: ours by the engine's count, PyTorch's by its allocator's.</summary>
    public long? RequestedDeviceBytes { get; init; }

    /// <summary>What PyTorch's allocator took for that, rounded up to its blocks.</summary>
    public long? AllocatedDeviceBytes { get; init; }

    /// <summary>What PyTorch's allocator had taken from the driver.</summary>
    public long? ReservedDeviceBytes { get; init; }

    /// <summary>What the device had more in use than before the program started, by the driver and read from outside: the context included.</summary>
    public long? DriverDeviceBytes { get; init; }
}

/// <summary>All runs of one contender, or of one limit, from one state of the page cache.</summary>
/// <param name="Group">load, settings, limit, capped or digest.</param>
/// <param name="Model">Empty where a limit reads no checkpoint.</param>
/// <param name="Name">As in tables.</param>
/// <param name="Side">Whose it is.</param>
/// <param name="Cold">Whether the checkpoint's pages were evicted before each run; else all of them were cached.</param>
/// <param name="Bytes">What is moved in <see cref="GpuRun.Seconds"/>.</param>
internal sealed record GpuRow(string Group, string Model, string Name, Side Side, bool Cold, long Bytes)
{
    public List<GpuRun> Runs { get; init; } = [];

    /// <summary>Why there are no runs, or no more of them.</summary>
    public string? WhyNot { get; set; }

    /// <summary>The hard limit of RAM, where there was one.</summary>
    public long? CapBytes { get; init; }

    [JsonIgnore]
    public bool IsMeasured => Runs.Count > 0;

    /// <summary>Whether it failed, rather than that nobody had the time for it.</summary>
    [JsonIgnore]
    public bool HasFailed => !IsMeasured && WhyNot?.EndsWith(GpuMeasuring.TimeIsUp, StringComparison.Ordinal) == false;

    [JsonIgnore]
    public double Seconds => Runs.Select(r => r.Seconds).Median();

    /// <summary>At the median.</summary>
    [JsonIgnore]
    public double BytesPerSecond => Bytes / Seconds;

    /// <summary>The highest of a figure in any run; null where none has it.</summary>
    public long? Most(Func<GpuRun, long?> of) => Runs.Max(of);
}

/// <summary>Where it was measured.</summary>
internal sealed record GpuMachine(string? Gpu, string? Driver, string Processor, int Cores, long RamBytes, string Kernel);

/// <summary>What was installed; null where it was not.</summary>
internal sealed record GpuVersions(string? Python, string? Torch, string? Cuda, string? Safetensors);

/// <summary>The host cap under which a load was compared with itself without one.</summary>
/// <param name="Bytes">Context and worker, ring and 64 MiB.</param>
/// <param name="WhyNot">Why no cap could be held here.</param>
internal sealed record GpuCap(long? Bytes, string? WhyNot);

/// <summary>What was measured on one machine, in one or several calls.</summary>
internal sealed record GpuRecord
{
    /// <summary>The group of streamed loads with other rings and readers than by default, and the name by which all are asked for together.</summary>
    public const string SettingsGroup = "settings";

    public required string Date { get; init; }

    /// <summary>Where ours loaded to. Any other than a GPU makes this a rehearsal, and no record.</summary>
    public required string Device { get; init; }

    public required GpuMachine Machine { get; init; }

    public required GpuVersions Versions { get; init; }

    /// <summary>The ring of streamed loads.</summary>
    public required long RingBytes { get; init; }

    /// <summary>How many readers a streamed load has.</summary>
    public required int Readers { get; init; }

    /// <summary>S of each model.</summary>
    public Dictionary<string, long> WeightBytes { get; init; } = [];

    public List<GpuRow> Rows { get; init; } = [];

    /// <summary>By model.</summary>
    public Dictionary<string, GpuCap> Caps { get; init; } = [];

    [JsonIgnore]
    public bool IsRehearsal => !Device.StartsWith("cuda", StringComparison.Ordinal);

    /// <summary>A row that has runs, or null.</summary>
    public GpuRow? Find(string group, string model, string name, bool cold = false) =>
        Rows.Find(r => r.Group == group && r.Model == model && r.Name == name && r.Cold == cold && r.IsMeasured);

    /// <summary>Takes a row in, in place of an earlier one of the same.</summary>
    public void Put(GpuRow row)
    {
        var index = Rows.FindIndex(r => r.Group == row.Group && r.Model == row.Model && r.Name == row.Name && r.Cold == row.Cold);
        if (index < 0) Rows.Add(row);
        else Rows[index] = row;
    }
}
