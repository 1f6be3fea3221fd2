using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Harness.Floors;

/// <summary>Shows the probes of a floor while it is looked for.</summary>
internal interface IFloorView
{
    /// <summary>A probe starts.</summary>
    void Started(BudgetCase probe);

    /// <summary>Its worker said something.</summary>
    void Saw(WorkerEvent e);

    /// <summary>It ended.</summary>
    /// <param name="probe">What became of it.</param>
    /// <param name="run">The run itself.</param>
    void Ended(FloorProbe probe, CaseResult run);
}
