namespace Loadline.Harness.Runtimes;

/// <summary>Whether a runtime can give GPUs to a program. No Engine says so beforehand: it is tried with a worker that has nothing to load.</summary>
internal static class GpuProbe
{
    /// <summary>Why a run cannot have so many GPUs here, in one line that says what to do; null where it can.</summary>
    /// <exception cref="RuntimeException">Nothing could be tried.</exception>
    public static async Task<string?> WhyNotAsync(IContainerRuntime runtime, int gpus, CancellationToken cancellation)
    {
        var spec = new ContainerSpec
        {
            Command = [ContainerSpec.Worker],
            CapBytes = 256 * ByteSize.MiB,
            Gpus = gpus,
            Timeout = TimeSpan.FromMinutes(1),
        };
        try
        {
            // It refuses its empty command line. That it could be started is all that is asked.
            await runtime.RunAsync(spec, _ => { }, cancellation);
            return null;
        }
        catch (NoGpuException e)
        {
            return e.Message;
        }
    }
}
