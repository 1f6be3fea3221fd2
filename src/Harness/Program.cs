using System.Runtime.InteropServices;
using Loadline.Harness.Commands;
using Loadline.Harness.Services;
using var interrupted = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);

var services = Bindings.OfThisMachine();
return CommandLine.Run(Cli.Create(services, args), args, services, interrupted.Token);

// The first signal lets runs end and clean up; a second one takes its usual course.
void Interrupt(PosixSignalContext signal)
{
    signal.Cancel = !interrupted.IsCancellationRequested;
    interrupted.Cancel();
}
