using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Floors;
using Loadline.Harness.Results;
using Loadline.Measuring;
using Spectre.Console;

namespace Loadline.Harness.Output;

/// <summary>A line for each probe of a floor that ended, and on a terminal a live one for the probe that runs.</summary>
/// <param name="console">Where the live line goes.</param>
/// <param name="writer">Gets the lines where there is no terminal; null where there is one.</param>
internal sealed class FloorView(IAnsiConsole console, TextWriter? writer) : IFloorView
{
    private StatusContext? _live;
    private string _cap = "";
    private string _phase = "";

    /// <summary>The view of a command: with JSON on standard output, its lines go to standard error.</summary>
    public static FloorView Of(IAnsiConsole console, TextWriter output, TextWriter error, bool json)
    {
        if (json) return new FloorView(console, error);
        return new FloorView(console, console.Profile is { Out.IsTerminal: true, Capabilities.Ansi: true } ? null : output);
    }

    /// <summary>Shows what the work reports until it ends.</summary>
    public Task<T> ShowAsync<T>(Func<Task<T>> work) => writer is not null ? work() : console.Status().Spinner(Spinner.Known.Dots).StartAsync("starting", live =>
    {
        _live = live;
        return work();
    });

    /// <summary>A probe starts.</summary>
    public void Started(BudgetCase probe)
    {
        (_cap, _phase) = (ByteSize.Format(probe.CapBytes), "starting");
        if (_live is not null) _live.Status = $"{_cap}: {_phase}";
    }

    /// <summary>Its worker said something.</summary>
    public void Saw(WorkerEvent e)
    {
        if (e is PhaseEvent phase) _phase = phase.Phase;
        if (_live is not null && e is SampleEvent sample) _live.Status = $"{_cap}: {Markup.Escape(_phase)}, {ByteSize.Format(sample.AnonBytes + sample.ShmemBytes)}";
    }

    /// <summary>Says what is probed from now on.</summary>
    public void Head(string what) => WriteLine(what);

    /// <summary>It ended.</summary>
    public void Ended(FloorProbe probe, CaseResult run)
    {
        var reread = probe.Reread is { } share ? $"  reread {Rereads.Text(share)}" : "";
        var line = FormattableString.Invariant(
            $"{_cap,10}  {probe.Outcome.Name(),-10}  {Peak(run),10}  {run.WallSeconds,5:0.0} s{reread}{(run.Cold == false ? "  warm" : "")}");
        WriteLine(line);
    }

    private void WriteLine(string line)
    {
        if (writer is not null) writer.WriteLine(line);
        else console.WriteLine(line);
    }

    private static string Peak(CaseResult probe) => probe.PeakAnonymousBytes is { } bytes ? ByteSize.Format(bytes) : "-";
}
