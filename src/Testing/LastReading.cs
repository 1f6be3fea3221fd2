using System.Text;
using Loadline.Gauges;
using Loadline.Measuring;

namespace Loadline.Testing;

/// <summary>What the child holds when its body has ended, told before anything is released: readings from outside may come too late for it.</summary>
internal sealed class LastReading : IDisposable
{
    private readonly ProcessMemory _process = ProcessMemory.Open();
    private readonly CgroupMemory? _cgroup = Cgroup();

    /// <summary>Whether an event is one. What is read from outside has times.</summary>
    public static bool Is(WorkerEvent e) => e is SampleEvent { Seconds: 0 };

    /// <summary>Writes it to standard output, where the harness looks for it.</summary>
    public void Tell()
    {
        var own = _process.Read();
        // Its cgroup counts the processes too that the body started, but in batches; and of files in memory those pages alone that are charged to it, where a process
        // maps others' as well, and one page as often as it likes.
        var all = _cgroup?.ReadComposition();
        var (anon, shmem) = (Math.Max(own.AnonBytes, all?.AnonBytes ?? 0), all?.ShmemBytes ?? own.ShmemBytes);
        var sample = new SampleEvent(0, anon, own.FileBytes, shmem, CgroupBytes: null, HostBytes: 0, DeviceBytes: 0);
        Console.Out.Flush();
        // On a line of its own, wherever the body stopped writing.
        using var output = Console.OpenStandardOutput();
        output.Write(Encoding.UTF8.GetBytes($"\n{WorkerJson.Write(sample)}\n"));
    }

    public void Dispose()
    {
        _process.Dispose();
        _cgroup?.Dispose();
    }

    private static CgroupMemory? Cgroup()
    {
        try
        {
            return CgroupMemory.TryOpen();
        }
        catch (GaugeException)
        {
            // A container may show another part of the tree than its own; its processes alone are read then.
            return null;
        }
    }
}
