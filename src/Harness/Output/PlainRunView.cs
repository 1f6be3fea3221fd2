using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Strategies.Runs;

namespace Loadline.Harness.Output;

/// <summary>One line a case, for logs and pipes.</summary>
/// <param name="writer">Gets the lines.</param>
/// <param name="cases">All that will run, for the columns' width.</param>
internal sealed class PlainRunView(TextWriter writer, IReadOnlyList<BudgetCase> cases) : IRunView
{
    private readonly Lock _lock = new();
    private readonly int _nameWidth = cases.Max(c => c.Name.Length);
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
            if (!_headed) Write("", CaseRow.Heads);
            _headed = true;
            Write(Mark(CaseRow.MarkOf(budget, result)), CaseRow.Of(budget, result));
            writer.Flush();
        }
    }

    private static string Mark(CaseMark mark) => mark switch
    {
        CaseMark.Good => "ok",
        CaseMark.Lost => "no",
        _ => "MISS",
    };

    private void Write(string mark, CaseRow row)
    {
        var name = row.Name.PadRight(_nameWidth);
        writer.WriteLine($"{mark,-4}  {name}  {row.Cap,-8}  {row.Expected,-10}  {row.Outcome,-19}  {row.Anonymous,11}  {row.Rss,6}  {row.Seconds,6}");
    }
}
