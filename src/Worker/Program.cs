using Loadline.Measuring;
using Loadline.Worker;

// PID 1 of the container: one load or conversion, one stream of JSON lines, one exit code. PID 1 ignores signals that it has no handler for, SIGKILL excepted:
// the cap kills it as any other process.
using var output = new EventStream(Console.OpenStandardOutput());
try
{
    return args is [ConvertArguments.Command, .. var conversion]
        ? CappedConversion.Run(ConvertArguments.Parse(conversion), output.Write)
        : MeasuredLoad.Run(WorkerArguments.Parse(args), output.Write);
}
catch (Exception e) when (e is ArgumentException or FormatException)
{
    output.Write(new FailedEvent("refused", e.Message));
    return ExitCodes.Refused;
}
