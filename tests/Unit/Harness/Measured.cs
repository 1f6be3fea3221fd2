using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Measuring;

namespace Loadline.Unit.Harness;

/// <summary>Results as a run would have found them.</summary>
internal static class Measured
{
    public static readonly RunEnvironment Environment = new("6.1", 1, "docker 20.10.24, cgroup v1", "native", null, null, 2, 24L << 30);

    public static ResultFile File(params CaseResult[] cases) => new(ResultFile.CurrentSchema, Environment, cases);

    /// <summary>Of gpt2-medium.</summary>
    private const long WeightBytes = 1646 * ByteSize.MiB;

    /// <summary>A use that read such a share of them.</summary>
    public static PassReport Pass(double reread) => FakeEnd.Pass(reread, WeightBytes);

    /// <summary>A streamed load onto a simulated accelerator that ended well, with a timeline of a second.</summary>
    public static CaseResult Loaded(string name = "streamed survives", double peakMib = 72, long hostMib = 64, string? budget = "80MiB") => new()
    {
        Name = name,
        Checkpoint = "gpt2-medium",
        Strategy = "streamed",
        Device = "sim:4GiB",
        Cap = "128MiB",
        CapBytes = 128 * ByteSize.MiB,
        Expect = "loaded",
        Why = "everything passes through a ring",
        PeakAnonymous = budget,
        Outcome = Outcome.Loaded,
        Pass = true,
        ExitCode = 0,
        Seconds = 1.2,
        WeightBytes = WeightBytes,
        Cold = true,
        HostBytes = hostMib * ByteSize.MiB,
        DeviceBytes = 1646 * ByteSize.MiB,
        PeakAnonymousBytes = (long)(peakMib * ByteSize.MiB),
        PeakPhase = "read",
        PeakRssBytes = 90 * ByteSize.MiB,
        LastPhase = "read",
        Phases = [new PhasePeak("open", 6 << 20, 0, 0), new PhasePeak("read", (long)(peakMib * ByteSize.MiB), hostMib * ByteSize.MiB, 1646 * ByteSize.MiB)],
        Holders = [new Holders("host", hostMib * ByteSize.MiB, [new HeldForUse("ring", hostMib * ByteSize.MiB, 1)], [new HeldByTensor("ring", null, hostMib * ByteSize.MiB)])],
        Timeline = Line(peakMib),
    };

    /// <summary>A load that the cap ended, as expected.</summary>
    public static CaseResult Killed(string name = "eager is killed") => Loaded(name, peakMib: 127, budget: null) with
    {
        Strategy = "eager",
        Expect = "killed",
        Outcome = Outcome.Killed,
        Seconds = null,
        WallSeconds = 2.5,
        WeightBytes = null,
        PeakRssBytes = null,
        ExitCode = 137,
    };

    /// <summary>A load that missed its budget of 54 MiB, with output that would be markup.</summary>
    public static CaseResult Missed(string name = "streamed <fails> | here") => Loaded(name, budget: "54MiB") with
    {
        Pass = false,
        Message = "streamed of gpt2-medium on sim:4GiB was limited to 54 MiB of anonymous memory but peaked at 72 MiB, 18 MiB over, in phase read",
        LastLines = ["::error::injected", "</pre><script>alert(1)</script>", "``` not the end"],
    };

    /// <summary>The same of a program, of which only what was read from outside is known.</summary>
    public static CaseResult AsCommand(this CaseResult load) => load with
    {
        Command = ["sh"],
        Strategy = null,
        Device = null,
        Seconds = null,
        WeightBytes = null,
        HostBytes = null,
        DeviceBytes = null,
        PeakPhase = null,
        PeakRssBytes = null,
        LastPhase = null,
        Phases = null,
        Holders = null,
        Timeline = null,
    };

    private static Timeline Line(double peakMib)
    {
        var line = new TimelineBuilder();
        for (var i = 0; i < 200; i++)
        {
            var anon = (long)(Math.Min(i / 100.0, 1) * peakMib * ByteSize.MiB);
            line.Add(new SampleEvent(i / 200.0, anon, 20 << 20, 0, 100 << 20, 0, i * ByteSize.MiB), i < 20 ? "open" : "read");
        }

        return line.Build()!;
    }
}
