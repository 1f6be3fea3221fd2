using System.Text.Json.Serialization;
using Loadline.Checkpoints;
using Loadline.Forward;
using Loadline.Tensors.Engines;

namespace Loadline.Measuring;

/// <summary>
/// What a measured load says while it runs, one JSON object a line with the discriminator <c>event</c>. The harness reads the same types back.
/// After a kill, the last lines say where the load died.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(StartEvent), "start")]
[JsonDerivedType(typeof(PhaseEvent), "phase")]
[JsonDerivedType(typeof(SampleEvent), "sample")]
[JsonDerivedType(typeof(HoldersEvent), "holders")]
[JsonDerivedType(typeof(PassEvent), "pass")]
[JsonDerivedType(typeof(LoadReport), "loaded")]
[JsonDerivedType(typeof(VerifiedEvent), "verified")]
[JsonDerivedType(typeof(ProgressEvent), "progress")]
[JsonDerivedType(typeof(ConvertedEvent), "converted")]
[JsonDerivedType(typeof(FailedEvent), "failed")]
internal abstract record WorkerEvent;

/// <summary>The environment before the load: the machine as the process sees it.</summary>
/// <param name="Kernel">Kernel release, as <c>uname -r</c> prints it.</param>
/// <param name="CgroupVersion">1 or 2; null where no cgroup counts this process's memory.</param>
/// <param name="LimitBytes">The memory that can be had: the tightest limit of this cgroup and its ancestors, and never more than the RAM.</param>
/// <param name="Cold">Whether no page of the checkpoint was in the page cache.</param>
/// <param name="BaselineAnonymousBytes">RssAnon + RssShmem of the process before the load, engine started.</param>
/// <param name="Engine">The engine, with its version and where it lies: <c>libtorch 2.6 (/usr/lib/x86_64-linux-gnu/libtorch_cpu.so.2.6)</c>.</param>
internal sealed record StartEvent(
    string Kernel, int? CgroupVersion, long LimitBytes, bool Cold, long BaselineAnonymousBytes, string Engine = EngineNames.Native) : WorkerEvent
{
    /// <summary>Processors that the process may use; null where nobody said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Cores { get; init; }

    /// <summary>The machine's RAM; null where nobody said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? RamBytes { get; init; }
}

/// <summary>A phase begins: open, skeleton, read, copy, assign, verify or use.</summary>
/// <param name="Phase">Its name.</param>
/// <param name="Seconds">Since the load began.</param>
internal sealed record PhaseEvent(string Phase, double Seconds) : WorkerEvent;

/// <summary>A reading of all gauges at one moment. Sampled every 5 ms, and before anything is released after a new high.</summary>
/// <param name="Seconds">Since the load began.</param>
/// <param name="AnonBytes">RssAnon of the process.</param>
/// <param name="FileBytes">RssFile of the process: mapped pages of files, which can be reclaimed.</param>
/// <param name="ShmemBytes">RssShmem of the process.</param>
/// <param name="CgroupBytes">What the cgroup is charged with, page cache included; null where there is none.</param>
/// <param name="HostBytes">The engine's count of host memory.</param>
/// <param name="DeviceBytes">The engine's count of accelerator memory.</param>
internal sealed record SampleEvent(
    double Seconds, long AnonBytes, long FileBytes, long ShmemBytes, long? CgroupBytes, long HostBytes, long DeviceBytes) : WorkerEvent
{
    /// <summary>The tensor whose memory is being filled, copied or read back; null where it is the one that was told last, or none since the phase began.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Tensor { get; init; }
}

/// <summary>Who holds the engine's memory. Told when it has grown by a quarter since it was told last, and when a load fails, for its peak.</summary>
/// <param name="Holders">On the host, then on the accelerator; without those that hold nothing.</param>
internal sealed record HoldersEvent(IReadOnlyList<Holders> Holders) : WorkerEvent;

/// <summary>A use of the weights ended. A load that is killed in a later one has told this.</summary>
/// <param name="Pass">What it came to.</param>
internal sealed record PassEvent(PassReport Pass) : WorkerEvent;

/// <summary>The result of a load that succeeded. Its members are the contract of <c>loadline load --json</c>.</summary>
internal sealed record LoadReport : WorkerEvent
{
    /// <summary>The strategy's name.</summary>
    public required string Strategy { get; init; }

    /// <summary>The engine's name: <c>native</c> or <c>libtorch</c>.</summary>
    public required string Engine { get; init; }

    /// <summary>The device, as given: <c>cpu</c>, <c>sim:4GiB</c>.</summary>
    public required string Device { get; init; }

    /// <summary>The checkpoint's format.</summary>
    public required string Format { get; init; }

    /// <summary>What floating-point weights were converted to, <c>auto</c> replaced by what it came to; null where all kept their own dtype.</summary>
    [JsonPropertyName("dtype")]
    public string? DType { get; init; }

    /// <summary>From opening the file to the last weight in place.</summary>
    public required double Seconds { get; init; }

    /// <summary>
    /// How many processes loaded at the same time. Of several, the kernel's peaks are those of their cgroup while all read their weights back, the
    /// engine's counts are sums, and the rest is of one of them.
    /// </summary>
    public int Processes { get; init; } = 1;

    /// <summary>How many tensors the model has.</summary>
    public required int Tensors { get; init; }

    /// <summary>S: bytes of all storages, each counted once.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Whether no page of the checkpoint was in the page cache before the load.</summary>
    public required bool Cold { get; init; }

    /// <summary>
    /// Bytes that were read past the page cache, with what lies between the weights, and twice the blocks that two reads share; 0 where it was read through it, or mapped.
    /// </summary>
    public long DirectBytes { get; init; }

    /// <summary>The engine's highest count of host memory it allocated, to the byte.</summary>
    public required long HostBytes { get; init; }

    /// <summary>The engine's highest count of accelerator memory, to the byte.</summary>
    public required long DeviceBytes { get; init; }

    /// <summary>
    /// The most that GPUs' drivers said was taken beyond <see cref="DriverBaselineBytes"/>: <see cref="DeviceBytes"/> with the allocator's rounding. Null
    /// where no driver was asked, as on a simulated accelerator. Other processes on the same GPU are in it.
    /// </summary>
    public long? DriverDeviceBytes { get; init; }

    /// <summary>What GPUs' drivers said was taken before the load: this process's contexts, and all that others hold. Null where no driver was asked.</summary>
    public long? DriverBaselineBytes { get; init; }

    /// <summary>Bytes of the model's weights that stay mapped from the file.</summary>
    public required long MappedBytes { get; init; }

    /// <summary>RssAnon + RssShmem before the load, engine started.</summary>
    public required long BaselineAnonymousBytes { get; init; }

    /// <summary>The highest RssAnon + RssShmem seen: what a cap cannot reclaim. Gross: the process's own memory included.</summary>
    public required long PeakAnonymousBytes { get; init; }

    /// <summary>VmHWM. It counts mapped pages of files, which can be reclaimed: no measure of danger.</summary>
    public required long PeakRssBytes { get; init; }

    /// <summary>The cgroup's peak, null where there is no cgroup. It counts page cache, and saturates at the cap.</summary>
    public required long? PeakCgroupBytes { get; init; }

    /// <summary>Page faults that had to read from disk.</summary>
    public required long MajorFaults { get; init; }

    /// <summary>
    /// Tensor prefixes to devices; null unless the strategy is <c>device-map</c>, and where they are so many that a line does not hold them:
    /// <c>loadline map</c> prints them.
    /// </summary>
    public IReadOnlyDictionary<string, string>? DeviceMap { get; init; }

    /// <summary>What each device of the map held at its peak; null unless the strategy is <c>device-map</c>.</summary>
    public IReadOnlyList<DevicePeak>? Devices { get; init; }

    /// <summary>The strategy that <c>auto</c> chose; null for the others.</summary>
    public string? Choice { get; init; }

    /// <summary>What the weights computed; null where no forward was asked for, and then no member of the JSON. All peaks include it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ForwardResult? Forward { get; init; }

    /// <summary>Uses of all weights after the load; null where none was asked for, and then no member of the JSON. All peaks include them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<PassReport>? Passes { get; init; }

    /// <summary>The phase in which <see cref="PeakAnonymousBytes"/> was seen.</summary>
    public required string PeakPhase { get; init; }

    /// <summary>Who held the memory when the engine's counts stood highest: on the host, then on the accelerator.</summary>
    // A line without it comes in as null, whatever the type says.
    public IReadOnlyList<Holders> Holders { get => field ?? []; init; } = [];
}

/// <summary>One of several devices at its peak.</summary>
/// <param name="Device">Its name in the list: <c>sim:0</c>, <c>cpu</c>, <c>disk</c>.</param>
/// <param name="LimitBytes">The most that it was to hold; null for the disk.</param>
/// <param name="PeakBytes">By the engine's count; of the disk, what stays mapped.</param>
internal sealed record DevicePeak(string Device, long? LimitBytes, long PeakBytes);

/// <summary>All weights were read back from the device, or computed with, and were right.</summary>
/// <param name="Tensors">How many they are.</param>
/// <param name="Bytes">Their bytes in memory.</param>
/// <param name="Against">
/// What was compared with: the recorded digests, a naive reading of the file, or recorded logits, and of which tensors these depend on a part only.
/// </param>
internal sealed record VerifiedEvent(int Tensors, long Bytes, string Against) : WorkerEvent;

/// <summary>The load ended without a result.</summary>
/// <param name="Kind">What the exit code says in a word: refused, device-oom, verification-failed, killed (of a process beside it) or error.</param>
/// <param name="Message">One line for people.</param>
internal sealed record FailedEvent(string Kind, string Message) : WorkerEvent
{
    /// <summary>The arguments were not understood.</summary>
    public const string Arguments = "arguments";

    /// <summary>There is nothing at the path.</summary>
    public const string NotFound = "not-found";

    /// <summary>The operating system refuses to open or read it.</summary>
    public const string Unreadable = "unreadable";

    /// <summary>Of a refusal, which of these it was: whoever started the load is to blame then, and not what the checkpoint holds. Null for all others.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Cause { get; init; }

    /// <summary>The <see cref="Cause"/> of what was thrown. A checkpoint that is there, and whose index names a file that is not, is itself to blame.</summary>
    public static string? CauseOf(Exception e, string path) => (e as CheckpointException)?.Error switch
    {
        CheckpointError.NotFound when !Path.Exists(path) => NotFound,
        CheckpointError.Unreadable => Unreadable,
        _ => null,
    };
}
