using Loadline.Gauges;

namespace Loadline.Measuring;

/// <summary>One use of all weights after a load, and what it had to read again.</summary>
/// <param name="Seconds">What it took.</param>
/// <param name="ReadBytes">Read from disks for this process meanwhile, by /proc/self/io; null where the kernel does not count it.</param>
/// <param name="Reread">
/// <paramref name="ReadBytes"/> over the bytes of the weights: about 1 where everything is read again, 0 where all of it has stayed, or where there are none.
/// </param>
/// <param name="MajorFaults">Page faults that waited for the disk.</param>
/// <param name="Refaults">Pages of files that the cgroup had lost and read back; null where the kernel does not keep it.</param>
/// <param name="PressureSeconds">In which a task of the cgroup waited for memory; null on cgroup v1.</param>
internal sealed record PassReport(double Seconds, long? ReadBytes, double? Reread, long MajorFaults, long? Refaults, double? PressureSeconds);

/// <summary>The counters that a pass is the difference of, at one moment.</summary>
internal readonly record struct PassReading(double Seconds, long? ReadBytes, long MajorFaults, long? Refaults, double? PressureSeconds)
{
    public static PassReading Take(double seconds, ProcessMemory process, CgroupMemory? cgroup) =>
        new(seconds, process.ReadDiskBytes(), process.ReadMajorFaults(), cgroup?.ReadFileRefaults(), cgroup?.ReadPressureSeconds());

    /// <summary>What a pass over so many bytes of weights came to that began with <paramref name="before"/> and ended with this.</summary>
    public PassReport Since(PassReading before, long weightBytes)
    {
        var readBytes = ReadBytes - before.ReadBytes;
        return new PassReport(
            Math.Round(Seconds - before.Seconds, 6),
            readBytes,
            readBytes is { } bytes ? weightBytes == 0 ? 0 : Math.Round((double)bytes / weightBytes, 4) : null,
            MajorFaults - before.MajorFaults,
            Refaults - before.Refaults,
            PressureSeconds - before.PressureSeconds is { } pressure ? Math.Round(pressure, 6) : null);
    }
}
