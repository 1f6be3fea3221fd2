using System.Collections.Immutable;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Selection;
using Loadline.DeviceMaps;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Harness.Budgets;

/// <summary>One load under one cap, and what it may use.</summary>
internal sealed record BudgetCase
{
    /// <summary>How long a case may run unless it says otherwise. A runtime below its floor thrashes for minutes instead of dying.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(120);

    // A cold disk may give 50 MiB a second; a load that is slower than that thrashes.
    private const long SlowestBytesPerSecond = 50 * ByteSize.MiB;

    /// <summary>A sentence, unique in its file: "eager is killed at half".</summary>
    public required string Name { get; init; }

    /// <summary>Where the case starts in its file, counted from 1; 0 for a case that no file holds.</summary>
    public int Line { get; init; }

    /// <summary>The checkpoint's name in the file.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>The model that the checkpoint must fit; null takes the model from the checkpoint itself.</summary>
    public string? Model { get; init; }

    /// <summary>Which of its tensors are loaded, and by which names.</summary>
    public EntrySelection Names { get; init; } = EntrySelection.All;

    /// <summary>The strategy's name; null where <see cref="Command"/> loads.</summary>
    public string? Strategy { get; init; }

    /// <summary>The device, as in <c>cpu</c> or <c>sim:4GiB</c>, or several for a map: <c>sim:2GiB,cpu,disk</c>; null where <see cref="Command"/> loads.</summary>
    public string? Device { get; init; }

    /// <summary>The hard limit of RAM, without swap.</summary>
    public required long CapBytes { get; init; }

    /// <summary>What must become of it; null where one only wants to know.</summary>
    public Outcome? Expect { get; init; }

    /// <summary>The reason for this budget, for whoever reviews a change to it.</summary>
    public required string Why { get; init; }

    /// <summary>The most anonymous and shared memory that the process may hold, its own included.</summary>
    public long? PeakAnonymousBytes { get; init; }

    /// <summary>The most host memory by the engine's count.</summary>
    public long? PeakHostBytes { get; init; }

    /// <summary>The most accelerator memory by the engine's count.</summary>
    public long? PeakDeviceBytes { get; init; }

    /// <summary>The engine; null takes the worker's default.</summary>
    public string? Engine { get; init; }

    /// <summary>An image other than the worker's own.</summary>
    public string? Image { get; init; }

    /// <summary>How many GPUs the container gets, from the driver's first on; null gives it those up to the highest <c>cuda:N</c> of its devices.</summary>
    public int? Gpus { get; init; }

    /// <summary>The dtype of floating-point weights in memory, as <see cref="Loadline.Reading.TargetDType"/> reads it; null keeps each tensor's own.</summary>
    public string? DType { get; init; }

    /// <summary>How the weights are verified after the load; null leaves them unread.</summary>
    public string? Verify { get; init; }

    /// <summary>The heads of each block in a forward; null where they are 64 wide.</summary>
    public int? Heads { get; init; }

    /// <summary>The most memory that a forward may hold copies of mapped layers in; null computes where they are mapped.</summary>
    public long? ResidentBytes { get; init; }

    /// <summary>How often the weights are used after the load; 0 leaves them unused.</summary>
    public int Passes { get; init; }

    /// <summary>How they are used; null reads every byte once.</summary>
    public string? Use { get; init; }

    /// <summary>The most of its weights that a pass after the first may read from the disk again, as a share; null where that is not judged.</summary>
    public double? Reread { get; init; }

    /// <summary>The ring of a streamed load; null takes the worker's default.</summary>
    public long? RingBytes { get; init; }

    /// <summary>How many threads read; null takes the worker's default. No budget file says so: a figure that depends on it would be no budget.</summary>
    public int? Readers { get; init; }

    /// <summary>Whether weights are read through the page cache. No budget file says so.</summary>
    public ReadMode Reads { get; init; }

    /// <summary>How many workers load at the same time under the one cap. Their anonymous memory and the engine's counts are added up.</summary>
    public int Processes { get; init; } = 1;

    /// <summary>The rule or the absolute path of a device map; null takes the worker's default.</summary>
    public string? Map { get; init; }

    /// <summary>The most that devices of a map may hold, as in <c>sim:0=1GiB,cpu=2GiB</c>; null takes what is there.</summary>
    public string? MaxMemory { get; init; }

    /// <summary>Modules that a map must not split, as patterns; null takes the blocks of known models.</summary>
    public string? NoSplit { get; init; }

    /// <summary>A folder that is there, for weights of a map's <c>disk</c> that cannot stay mapped; null has none.</summary>
    public string? OffloadFolder { get; init; }

    /// <summary>The lowest cap that the load is safe under by the plan; null where nobody planned it. No budget file says so.</summary>
    public long? PlannedCapBytes { get; init; }

    /// <summary>When the run is ended.</summary>
    public TimeSpan Timeout { get; init; } = DefaultTimeout;

    /// <summary>Another program that loads instead of the worker; <c>{checkpoint}</c> in an argument stands for the path.</summary>
    public ImmutableArray<string> Command { get; init; } = [];

    /// <summary>Where a command that runs in no image starts: the folder of the budget file; null for the root.</summary>
    public string? Folder { get; init; }

    /// <summary>As the first word of a command, the program of the case's engine, which knows other ways to load than Loadline's.</summary>
    public const string WorkerProgram = "{worker}";

    /// <summary>Whether the program is the worker: for a load, or as a command names it.</summary>
    public bool RunsWorker => Command is [] or [WorkerProgram, ..];

    /// <summary>Whether it computes with its weights, to verify them or to use them.</summary>
    public bool Computes => Verify == Known.Forward || Use == Known.Forward;

    /// <summary>How many GPUs its devices need: one more than the highest N of a <c>cuda:N</c>.</summary>
    public int NeededGpus => (Device ?? "").Split(',', StringSplitOptions.TrimEntries)
        .Max(name => Tensors.Device.TryParse(name, out var device) && device.Kind == DeviceKind.Cuda ? device.Index + 1 : 0);

    /// <summary>How many GPUs it gets.</summary>
    public int GpuCount => Gpus ?? NeededGpus;

    /// <summary>The timeout of a load of any size.</summary>
    public static TimeSpan TimeoutFor(double weightBytes) =>
        TimeSpan.FromSeconds(Math.Clamp(weightBytes / SlowestBytesPerSecond, DefaultTimeout.TotalSeconds, DurationText.Longest.TotalSeconds));

    /// <summary>The load as the worker understands it.</summary>
    /// <exception cref="FormatException">A device or a limit is none.</exception>
    /// <exception cref="DeviceMapException">The map cannot be read.</exception>
    public LoadOptions Options()
    {
        var options = new LoadOptions { Strategy = Strategy! }.WithPlaces(Device!, Map, MaxMemory, NoSplit);
        if (Engine is not null) options = options with { Engine = Engine };
        if (DType is not null) options = options with { DType = TargetDType.Parse(DType) };
        return RingBytes is { } ringBytes ? options with { RingBytes = ringBytes } : options;
    }

    /// <summary>What runs, as sentences begin: "eager of gpt2-medium on cpu".</summary>
    public string Subject => SubjectOf(Name, Strategy, Checkpoint, Device);

    /// <summary><see cref="Subject"/>, for whoever has only the members.</summary>
    public static string SubjectOf(string name, string? strategy, string checkpoint, string? device) =>
        PrintableText.Escape(strategy is null ? $"'{name}'" : $"{strategy} of {checkpoint} on {device}");
}
