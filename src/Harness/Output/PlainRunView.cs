using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Measuring;

namespace Loadline.Harness.Output;

/// <summary>One line a case as it ends, for logs and pipes.</summary>
/// <param name="writer">Gets the lines.</param>
/// <param name="cases">All that will run, for the columns' width.</param>
internal sealed class PlainRunView(TextWriter writer, IReadOnlyList<BudgetCase> cases) : IRunView
{
    private readonly Lock _lock = new();
    private readonly PlainTable _table = new(cases.Select(c => c.Name), cases.Any(c => c.Passes > 0));
    private string? _making;
    private bool _headed;

    public Task ShowAsync(Func<Task> work) => work();

    public void Making(string checkpoint, double fraction)
    {
        lock (_lock)
        {
            if (_making == checkpoint) return;
            _making = checkpoint;
            writer.WriteLine($"making {checkpoint}");
        }
    }

    public void Started(BudgetCase budget)
    {
    }

    public void Saw(BudgetCase budget, WorkerEvent e)
    {
    }

    public void Finished(BudgetCase budget, CaseResult result)
    {
        lock (_lock)
        {
            if (!_headed) writer.WriteLine(_table.Head);
            _headed = true;
            writer.WriteLine(_table.Line(result));
            writer.Flush();
        }
    }
}
