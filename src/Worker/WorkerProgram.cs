using Loadline.Measuring;

namespace Loadline.Worker;

/// <summary>What every worker is: PID 1 of a container, one load or conversion, one stream of JSON lines, one exit code.</summary>
/// <remarks>PID 1 ignores signals that it has no handler for, SIGKILL excepted: the cap kills it as any other process.</remarks>
internal static class WorkerProgram
{
    /// <summary>Runs to its end.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="targetOf">Where the weights of a request go.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static int Run(string[] args, Func<LoadRequest, ILoadTarget> targetOf)
    {
        using var output = new EventStream(OwnOutput.Take());
        try
        {
            if (args is [ConvertArguments.Command, .. var conversion]) return CappedConversion.Run(ConvertArguments.Parse(conversion), output.Write);
            var request = WorkerArguments.Parse(args);
            output.Prepare();
            return MeasuredLoad.Run(request, output.Write, targetOf(request));
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            output.Write(new FailedEvent("refused", e.Message) { Cause = FailedEvent.Arguments });
            return ExitCodes.Refused;
        }
    }
}
