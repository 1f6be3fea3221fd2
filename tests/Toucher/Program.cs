using System.Globalization;
using System.Text.Json;
using Loadline.Gauges;
using Loadline.Toucher;

// Touches memory of one kind, exactly as much as asked for, and prints what the gauges made of it: the measurer is measured first.
// After "leave" it ends at once instead, without a gauge of its own: whoever measures it has to be there in time.
if (args is ["leave", var kind, var amount])
{
    Touch.Take(kind, Bytes(amount));
    return;
}

using var process = ProcessMemory.Open();
using var cgroup = CgroupMemory.Open();
Action touch = args switch
{
    ["anon" or "shmem" or "locked", var size] => () => Touch.Take(args[0], Bytes(size)),
    ["mapped-read", var size, var file] => () => Touch.MappedRead(Bytes(size), file),
    ["mapped-write", var size, var file] => () => Touch.MappedWriteEverySecondPage(Bytes(size), file),
    ["sampler", var samples] => () => Sample(int.Parse(samples, CultureInfo.InvariantCulture)),
    _ => throw new ArgumentException("expected: [leave] anon|shmem|locked BYTES, mapped-read|mapped-write BYTES FILE, or sampler COUNT"),
};

// The first round pays for the code of the gauges themselves.
_ = Measure(() => { });
Console.WriteLine(JsonSerializer.Serialize(Measure(touch), TouchJson.Default.TouchReport));

TouchReport Measure(Action action)
{
    var (compositionBefore, before) = (cgroup.ReadComposition(), process.Read());
    action();
    var (after, compositionAfter) = (process.Read(), cgroup.ReadComposition());
    return new TouchReport(
        before, after, compositionBefore, compositionAfter, cgroup.Folder, cgroup.ReadLimitBytes(), cgroup.ReadUsageBytes(),
        cgroup.ReadPeakBytes(), cgroup.ReadOomKills());
}

void Sample(int count)
{
    var taken = 0;
    var sampler = new Sampler(process, cgroup, () => 0, () => 0, _ => taken++, TimeSpan.FromMilliseconds(1));
    sampler.Start();
    while (Volatile.Read(ref taken) < count) Thread.Sleep(1);
    sampler.SampleNow();
}

static long Bytes(string size) => long.Parse(size, CultureInfo.InvariantCulture);
