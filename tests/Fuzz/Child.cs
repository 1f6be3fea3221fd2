using System.Diagnostics;
using Loadline.Gauges;

namespace Loadline.Fuzz;

/// <summary>
/// Tries a run of mutants and tells the parent line by line: <c>in FOLDER</c> first, <c>at NUMBER</c> before each, <c>found NUMBER WHAT</c>, and the sums at the end. A mutant
/// that takes the process down is the one that was told last.
/// </summary>
internal sealed class Child
{
    // What a file of a kilobyte may ask for before its work is refused takes up to a second; twice that in a heap that is nearly full on a busy machine.
    private static readonly TimeSpan MaxProcessorTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly Stopwatch _clock = new();
    private TimeSpan _processorTimeBefore;
    private long _number;

    /// <summary>What a mutant may take on the managed heap: the rule's 64 MiB, and what the fuzzer and the fixtures take. Set for children by the parent.</summary>
    public const long HeapBytes = (64 + 16) * ByteSize.MiB;

    public static int Run(Options options, long first, long count)
    {
        var child = new Child();
        new Thread(child.Watch) { IsBackground = true }.Start();
        var sums = child.TryAll(options, first, count);
        child.Tell(sums.ToString());
        return 0;
    }

    private Sums TryAll(Options options, long first, long count)
    {
        using var scratch = new Scratch();
        Tell($"in {scratch.Path}");
        var corpus = new Corpus();
        using var memory = ProcessMemory.Open();
        var sums = new Sums();
        var kept = options.Keep is { } folder ? new KeptMutants(folder) : null;
        for (var number = first; number < first + count; number++)
        {
            Tell($"at {number}");
            var mutant = Mutant.Make(corpus, options.Seed, number, scratch.Path);
            Tidy();
            var allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
            Begin(number);
            try
            {
                var fate = Trial.Run(mutant.Path, number, scratch.Path);
                sums.Add(fate);
                if (kept is not null && fate == Fate.Loaded && mutant.Target.Folder is null) kept.Keep(mutant.Path, number);
            }
            catch (Exception e)
            {
                Tell($"found {number} {mutant.Target.Name}: {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")} {Places(e)}");
            }

            sums.Measure(number, End(), GC.GetAllocatedBytesForCurrentThread() - allocatedBefore, memory.Read().AnonBytes);
        }

        return sums;
    }

    // What earlier mutants left behind is not this one's: near its limit a collector gives up although most of the heap is garbage.
    private static void Tidy()
    {
        if (GC.GetTotalMemory(forceFullCollection: false) > HeapBytes / 2) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private static string Places(Exception e) => string.Join(" < ", (e.StackTrace ?? "").Split('\n').Take(4).Select(l => l.Trim()));

    private void Begin(long number)
    {
        lock (_lock)
        {
            (_number, _processorTimeBefore) = (number, Environment.CpuUsage.TotalTime);
            _clock.Restart();
        }
    }

    private TimeSpan End()
    {
        lock (_lock)
        {
            _clock.Reset();
            return Environment.CpuUsage.TotalTime - _processorTimeBefore;
        }
    }

    // Processor time, because others may work on the same machine; the clock, for what waits instead of working.
    private void Watch()
    {
        while (true)
        {
            Thread.Sleep(50);
            lock (_lock)
            {
                if (!_clock.IsRunning) continue;
                var worked = Environment.CpuUsage.TotalTime - _processorTimeBefore;
                if (worked < MaxProcessorTime && _clock.Elapsed < MaxTime) continue;
                Tell($"found {_number} it hangs: {worked.TotalSeconds:0.0} s of processor time in {_clock.Elapsed.TotalSeconds:0.0} s");
                Process.GetCurrentProcess().Kill();
            }
        }
    }

    private void Tell(string line)
    {
        lock (_lock) Console.Out.WriteLine(line);
    }
}
