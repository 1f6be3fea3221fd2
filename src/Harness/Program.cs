using System.Runtime.InteropServices;
using Loadline.Harness.Commands;
using Loadline.Harness.Services;
using var interrupted = new CancellationTokenSource();
// What only reads a file leaves nothing to clean up: a signal ends it at once, whatever the file has it do, and a millisecond is saved.
var onlyReads = args is ["inspect" or "plan" or "map", ..];
using var interrupt = onlyReads ? null : PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using var terminate = onlyReads ? null : PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);

var services = Bindings.OfThisMachine();
return CommandLine.Run(Cli.Create(services, args), args, services, interrupted.Token);

// The first signal lets runs end and clean up; a second one takes its usual course.
void Interrupt(PosixSignalContext signal)
{
    signal.Cancel = !interrupted.IsCancellationRequested;
    interrupted.Cancel();
}
