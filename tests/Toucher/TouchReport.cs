using System.Text.Json.Serialization;
using Loadline.Gauges;

namespace Loadline.Toucher;

/// <summary>What all gauges read before and after the pages were touched.</summary>
/// <param name="Before">The process before.</param>
/// <param name="After">The process after, the memory still held.</param>
/// <param name="CgroupBefore">What the cgroup held before.</param>
/// <param name="CgroupAfter">What the cgroup held after.</param>
/// <param name="CgroupFolder">Where the cgroup's gauges were found.</param>
/// <param name="LimitBytes">The limit that holds, or null.</param>
/// <param name="UsageBytes">What the cgroup was charged with after.</param>
/// <param name="PeakBytes">The cgroup's peak, or null where the kernel keeps none.</param>
/// <param name="OomKills">How many processes were killed in the cgroup.</param>
internal sealed record TouchReport(
    ProcessMemoryReading Before,
    ProcessMemoryReading After,
    CgroupComposition CgroupBefore,
    CgroupComposition CgroupAfter,
    string CgroupFolder,
    long? LimitBytes,
    long UsageBytes,
    long? PeakBytes,
    long OomKills)
{
    /// <summary>By how much RssAnon moved.</summary>
    [JsonIgnore]
    public long AnonBytes => After.AnonBytes - Before.AnonBytes;

    /// <summary>By how much RssFile moved.</summary>
    [JsonIgnore]
    public long FileBytes => After.FileBytes - Before.FileBytes;

    /// <summary>By how much RssShmem moved.</summary>
    [JsonIgnore]
    public long ShmemBytes => After.ShmemBytes - Before.ShmemBytes;
}

/// <summary>JSON for <see cref="TouchReport"/>.</summary>
[JsonSerializable(typeof(TouchReport))]
internal sealed partial class TouchJson : JsonSerializerContext;
