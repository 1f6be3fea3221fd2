using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Harness.Runtimes.Choosing;

/// <summary>From the value of <c>--runtime</c> to a runtime that is ready to run.</summary>
internal static class RuntimeChooser
{
    /// <summary>Takes docker if it answers, else cgroup; but never cgroup where somebody has said which Engine to take.</summary>
    public const string Auto = "auto";

    /// <summary>What <c>--runtime</c> takes.</summary>
    public static readonly IReadOnlyList<string> Names = [Auto, DockerRuntime.RuntimeName, CgroupRuntime.RuntimeName];

    /// <summary>Connects to the runtime and sweeps what harnesses that were killed left in it.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="workerPath">The published worker. It is looked for when a run needs it.</param>
    /// <param name="cancellation">Stops the attempt.</param>
    /// <param name="note">Gets a line where another runtime than the first is taken; null tells nobody.</param>
    /// <exception cref="RuntimeException">It cannot be used here; of <c>auto</c>, neither can be, and the message gives both reasons.</exception>
    public static async Task<IContainerRuntime> ChooseAsync(string name, string workerPath, CancellationToken cancellation, Action<string>? note = null) => name switch
    {
        DockerRuntime.RuntimeName => await DockerRuntime.ConnectAsync(workerPath, EngineAddress.Find(), cancellation),
        CgroupRuntime.RuntimeName => await CgroupRuntime.StartAsync(workerPath, cancellation),
        Auto => await FirstThatWorksAsync(
            Names.Where(other => other != Auto).Select(other => (Func<Task<IContainerRuntime>>)(() => ChooseAsync(other, workerPath, cancellation))),
            EngineAddress.NamedBy(),
            note),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, $"the runtime is one of {string.Join(", ", Names)}"),
    };

    private static string OneLine(string reason) => reason.Replace("\n  ", ": ", StringComparison.Ordinal);

    /// <summary>Starts them in turn.</summary>
    /// <param name="starts">The first takes the Engine.</param>
    /// <param name="named">What says which Engine that is, as in DOCKER_HOST; null where nothing does. What is named and does not answer is no reason to measure in another way.</param>
    /// <param name="note">See <see cref="ChooseAsync"/>.</param>
    internal static async Task<IContainerRuntime> FirstThatWorksAsync(IEnumerable<Func<Task<IContainerRuntime>>> starts, string? named = null, Action<string>? note = null)
    {
        var reasons = new List<string>();
        foreach (var start in starts)
        {
            try
            {
                var runtime = await start();
                if (reasons.Count > 0) note?.Invoke($"the cap is held by {runtime.Description}: {string.Join("; ", reasons.Select(OneLine))}");
                return runtime;
            }
            catch (RuntimeException e) when (named is null)
            {
                reasons.Add(e.Message);
            }
            catch (RuntimeException e)
            {
                throw new RuntimeException($"{e.Message} ({named} names it: correct or unset it, or say --runtime cgroup)", e);
            }
        }

        // A line each: together they would be read by nobody.
        throw new RuntimeException($"no runtime can hold a RAM cap here\n  {string.Join("\n  ", reasons.Select(OneLine))}");
    }
}
