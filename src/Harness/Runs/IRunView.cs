using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Harness.Runs;

/// <summary>Shows a run while it goes on. Calls come from several threads.</summary>
internal interface IRunView
{
    /// <summary>Runs the work and shows what it reports until it ends.</summary>
    Task ShowAsync(Func<Task> work);

    /// <summary>A checkpoint is being generated.</summary>
    void Making(string checkpoint, double fraction);

    /// <summary>A case starts.</summary>
    void Started(BudgetCase budget);

    /// <summary>The worker of a running case said something.</summary>
    void Saw(BudgetCase budget, WorkerEvent e);

    /// <summary>A case ended.</summary>
    void Finished(BudgetCase budget, CaseResult result);
}
