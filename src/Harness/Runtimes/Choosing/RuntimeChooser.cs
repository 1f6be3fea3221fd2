using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Harness.Runtimes.Choosing;

/// <summary>From the value of <c>--runtime</c> to a runtime that is ready to run.</summary>
internal static class RuntimeChooser
{
    /// <summary>Takes docker if it answers, else cgroup.</summary>
    public const string Auto = "auto";

    /// <summary>What <c>--runtime</c> takes.</summary>
    public static readonly IReadOnlyList<string> Names = [Auto, DockerRuntime.RuntimeName, CgroupRuntime.RuntimeName];

    /// <summary>Connects to the runtime and sweeps what harnesses that were killed left in it.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="workerPath">The published worker. It is looked for when a run needs it.</param>
    /// <param name="cancellation">Stops the attempt.</param>
    /// <exception cref="RuntimeException">It cannot be used here; of <c>auto</c>, neither can be, and the message gives both reasons.</exception>
    public static async Task<IContainerRuntime> ChooseAsync(string name, string workerPath, CancellationToken cancellation) => name switch
    {
        DockerRuntime.RuntimeName => await DockerRuntime.ConnectAsync(workerPath, EngineAddress.Find(), cancellation),
        CgroupRuntime.RuntimeName => await CgroupRuntime.StartAsync(workerPath, cancellation),
        Auto => await FirstThatWorksAsync(Names.Where(other => other != Auto).Select(
            other => (Func<Task<IContainerRuntime>>)(() => ChooseAsync(other, workerPath, cancellation)))),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, $"the runtime is one of {string.Join(", ", Names)}"),
    };

    internal static async Task<IContainerRuntime> FirstThatWorksAsync(IEnumerable<Func<Task<IContainerRuntime>>> starts)
    {
        var reasons = new List<string>();
        foreach (var start in starts)
        {
            try
            {
                return await start();
            }
            catch (RuntimeException e)
            {
                reasons.Add(e.Message);
            }
        }

        throw new RuntimeException($"no runtime can hold a RAM cap here. {string.Join(". ", reasons)}");
    }
}
