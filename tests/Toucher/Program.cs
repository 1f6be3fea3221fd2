using System.Globalization;
using System.Text.Json;
using Loadline.Strategies.Gauges;
using Loadline.Toucher;

// Touches memory of one kind, exactly as much as asked for, and prints what the gauges made of it: the measurer is measured first.
using var process = ProcessMemory.Open();
using var cgroup = CgroupMemory.Open();
Action touch = args switch
{
    ["anon", var size] => () => Touch.Anon(Bytes(size)),
    ["shmem", var size] => () => Touch.Shmem(Bytes(size)),
    ["mapped-read", var size, var file] => () => Touch.MappedRead(Bytes(size), file),
    ["mapped-write", var size, var file] => () => Touch.MappedWriteEverySecondPage(Bytes(size), file),
    ["sampler", var samples] => () => Sample(int.Parse(samples, CultureInfo.InvariantCulture)),
    _ => throw new ArgumentException("expected: anon|shmem BYTES, mapped-read|mapped-write BYTES FILE, or sampler COUNT"),
};

// The first round pays for the code of the gauges themselves.
_ = Measure(() => { });
Console.WriteLine(JsonSerializer.Serialize(Measure(touch), TouchJson.Default.TouchReport));

TouchReport Measure(Action action)
{
    var (faults, usage, composition) = (process.ReadMajorFaults(), cgroup.ReadUsageBytes(), cgroup.ReadComposition());
    var before = process.Read();
    action();
    var after = process.Read();
    return new TouchReport(
        before, after, process.ReadMajorFaults() - faults, cgroup.Version, cgroup.Folder, cgroup.ReadLimitBytes(), usage, cgroup.ReadUsageBytes(),
        cgroup.ReadPeakBytes(), cgroup.ReadOomKills(), composition, cgroup.ReadComposition());
}

void Sample(int count)
{
    using var enough = new CountdownEvent(count);
    var sampler = new Sampler(process, cgroup, () => 0, () => 0, _ => { if (!enough.IsSet) enough.Signal(); }, TimeSpan.FromMilliseconds(1));
    sampler.Start();
    enough.Wait();
    sampler.SampleNow();
}

static long Bytes(string size) => long.Parse(size, CultureInfo.InvariantCulture);
