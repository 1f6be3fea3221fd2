using System.Text.Json.Serialization;
using Loadline.Gauges;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;

namespace Loadline.Harness.Output;

/// <summary>What became of a program under a cap. The members are the contract of <c>loadline run --cap SIZE --json -- COMMAND</c>.</summary>
internal sealed record ProgramReport
{
    /// <summary>The program and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Its image; null on this machine.</summary>
    public string? Image { get; init; }

    /// <summary>What held the cap, as in "cgroup v1".</summary>
    public required string Runtime { get; init; }

    /// <summary>The hard limit of RAM.</summary>
    public required long CapBytes { get; init; }

    /// <summary>From where on it was slowed down; null nowhere.</summary>
    public long? HighBytes { get; init; }

    /// <summary>Whether the kernel killed it for memory.</summary>
    public required bool Killed { get; init; }

    /// <summary>Whether its time was over.</summary>
    public required bool TimedOut { get; init; }

    /// <summary>Its own, 128 + signal where a signal ended it.</summary>
    public required int ExitCode { get; init; }

    /// <summary>From its start to its end.</summary>
    public required double Seconds { get; init; }

    /// <summary>The class of memory that met the cap; null where it was not killed.</summary>
    public string? MetBy { get; init; }

    /// <summary>The highest anonymous and shared memory that was read.</summary>
    public long? PeakAnonymousBytes { get; init; }

    /// <summary>What that cannot have exceeded between two readings.</summary>
    public long? PeakAnonymousAtMostBytes { get; init; }

    /// <summary>The highest charge by the kernel's own record.</summary>
    public long? PeakCgroupBytes { get; init; }

    /// <summary>What it read from the disk.</summary>
    public long? ReadBytes { get; init; }

    /// <summary>Whether the files that it names had no page in the page cache before; null where it names none.</summary>
    public bool? Cold { get; init; }

    /// <summary>Its memory by class.</summary>
    public MemoryTrace? Memory { get; init; }

    /// <summary>Why there is none.</summary>
    public string? WhyUnread { get; init; }

    /// <summary>From the result of its case.</summary>
    public static ProgramReport Of(OtherProgram program, CaseResult result, string runtime) => new()
    {
        Command = program.Command,
        Image = program.Image,
        Runtime = runtime,
        CapBytes = result.CapBytes,
        HighBytes = program.HighBytes,
        Killed = result.Outcome == Outcome.Killed,
        TimedOut = result.Outcome == Outcome.Timeout,
        ExitCode = result.ExitCode!.Value,
        Seconds = result.WallSeconds,
        MetBy = result.MetBy,
        PeakAnonymousBytes = result.PeakAnonymousBytes,
        PeakAnonymousAtMostBytes = result.PeakAnonymousAtMostBytes,
        PeakCgroupBytes = result.PeakCgroupBytes,
        ReadBytes = result.ReadBytes,
        Cold = result.Cold,
        Memory = result.Memory,
        WhyUnread = result.WhyUnread,
    };
}

/// <summary>JSON for <see cref="ProgramReport"/>, without reflection.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ProgramReport))]
internal sealed partial class ProgramJson : JsonSerializerContext;
