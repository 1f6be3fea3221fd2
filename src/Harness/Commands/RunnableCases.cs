using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Services;

namespace Loadline.Harness.Commands;

/// <summary>Cases that can run here, and those that cannot.</summary>
/// <param name="Cases">In the order given.</param>
/// <param name="Skipped">With the reason.</param>
internal sealed record RunnableCases(IReadOnlyList<BudgetCase> Cases, IReadOnlyList<SkippedCase> Skipped)
{
    /// <summary>An engine or a GPU that is not here is no case that went wrong, unless whoever runs this says that it must be there.</summary>
    /// <exception cref="InputException">What must be there is misspelt.</exception>
    /// <exception cref="RuntimeException">An image is not there, or what must be there is not.</exception>
    public static async Task<RunnableCases> OfAsync(
        IReadOnlyList<BudgetCase> all, IContainerRuntime runtime, HarnessServices services, CancellationToken cancellation)
    {
        // Whether it is misspelt has to be told where nothing is missing, too.
        var requirements = services.Requirements();
        var missing = new List<string>();
        foreach (var image in all.Select(c => c.Image).OfType<string>().Distinct())
        {
            if (await runtime.WhyNoImageAsync(image, cancellation) is { } whyNot) missing.Add(whyNot);
        }

        if (missing.Count > 0) throw new RuntimeException(string.Join("; ", missing));

        var (cases, skipped) = (all.ToList(), new List<SkippedCase>());
        foreach (var engine in cases.Where(c => c.Image is null).Select(c => c.Engine).OfType<string>().Distinct().ToList())
        {
            var whyNot = await runtime.PrepareAsync(engine, cancellation) ?? await runtime.WhyNotAsync(engine, cancellation);
            Skip(c => c.Engine == engine && c.Image is null, whyNot, engine, $"with {engine}");
        }

        foreach (var gpus in new SortedSet<int>(cases.Select(c => c.GpuCount).Where(count => count > 0)))
        {
            var whyNot = await GpuProbe.WhyNotAsync(runtime, gpus, cancellation);
            Skip(c => c.GpuCount == gpus, whyNot, Requirements.Gpu, gpus == 1 ? "onto a GPU" : $"onto {gpus} GPUs");
        }

        return new RunnableCases(cases, skipped);

        void Skip(Predicate<BudgetCase> which, string? whyNot, string required, string how)
        {
            if (whyNot is null) return;
            if (requirements.Demands(required)) throw new RuntimeException($"LOADLINE_REQUIRE demands {required}, but {whyNot}");
            skipped.AddRange(cases.FindAll(which).Select(c => new SkippedCase(c.Name, whyNot)));
            var count = cases.RemoveAll(which);
            services.Error.WriteLine($"loadline: {count} {(count == 1 ? "case that loads" : "cases that load")} {how} skipped: {whyNot}");
        }
    }
}
