using System.Diagnostics;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Measuring;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Loadline.Harness.Output;

/// <summary>
/// A table that grows while cases end: cases that ended, those that run with what they hold right now, and how many are left.
/// On a screen too low for all rows the latest show; the whole table stands there at the end.
/// </summary>
internal sealed class LiveRunView(IAnsiConsole console, IReadOnlyList<BudgetCase> cases) : IRunView
{
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<CaseResult> _ended = [];
    private readonly List<RunningCase> _running = [];
    private string? _making;

    public Task ShowAsync(Func<Task> work) => console
        .Live(Render())
        .Overflow(VerticalOverflow.Crop)
        .Cropping(VerticalOverflowCropping.Top)
        .StartAsync(async live =>
        {
            var working = Task.Run(work);
            try
            {
                while (await Task.WhenAny(working, Task.Delay(RefreshInterval)) != working) live.UpdateTarget(Render());
                live.UpdateTarget(Render());
            }
            finally
            {
                // Whatever becomes of the picture, nothing is taken away from what runs.
                await working;
            }
        });

    public void Making(string checkpoint, double fraction)
    {
        lock (_lock) _making = fraction < 1 ? $"making {checkpoint}: {fraction * 100:0} %" : null;
    }

    public void Started(BudgetCase budget)
    {
        lock (_lock) _running.Add(new RunningCase(budget));
    }

    public void Saw(BudgetCase budget, WorkerEvent e)
    {
        lock (_lock)
        {
            var running = _running.Find(r => r.Case == budget);
            if (running is null) return;
            if (e is PhaseEvent phase) running.Phase = phase.Phase;
            if (e is SampleEvent sample) running.AnonymousBytes = sample.AnonBytes + sample.ShmemBytes;
        }
    }

    public void Finished(BudgetCase budget, CaseResult result)
    {
        lock (_lock)
        {
            _running.RemoveAll(r => r.Case == budget);
            _ended.Add(result);
        }
    }

    private IRenderable Render()
    {
        lock (_lock)
        {
            var table = new RunTable(wide: console.Profile.Width >= RunTable.WideColumns, hasPasses: cases.Any(c => c.Passes > 0));
            foreach (var result in _ended)
            {
                var (mark, colour) = Mark(CaseRow.MarkOf(result));
                table.Add(mark, CaseRow.Of(result), colour);
            }

            var spinner = Spinner.Known.Dots.Frames[(int)(_clock.ElapsedMilliseconds / 100) % Spinner.Known.Dots.Frames.Count];
            foreach (var running in _running) table.Add($"[blue]{spinner}[/]", running.Row, "blue");

            var left = cases.Count - _ended.Count;
            var status = _making ?? (left > 0 ? $"{_ended.Count} of {cases.Count}, {RunSummary.Duration(_clock.Elapsed)}" : null);
            if (status is null) return table.Table;
            var line = new Text(status, new Style(Color.Grey));
            return table.Table.Rows.Count == 0 ? line : new Rows(table.Table, line);
        }
    }

    private static (string Mark, string Colour) Mark(CaseMark mark) => mark switch
    {
        CaseMark.Good => ("[green]✓[/]", "default"),
        CaseMark.Lost => ("[yellow]✗[/]", "yellow"),
        _ => ("[red]✗[/]", "red"),
    };

    private sealed class RunningCase(BudgetCase budget)
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        public BudgetCase Case => budget;

        public string Phase { get; set; } = "starting";

        public long? AnonymousBytes { get; set; }

        public CaseRow Row => CaseRow.Running(budget, Phase, AnonymousBytes, _clock.Elapsed.TotalSeconds);
    }
}
