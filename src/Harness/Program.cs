using System.Runtime.InteropServices;
using Loadline.Harness.Commands;
using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Harness.Services;
using var interrupted = new CancellationTokenSource();
// What only reads a file leaves nothing to clean up: a signal ends it at once, whatever the file has it do, and a millisecond is saved.
var onlyReads = args is ["inspect" or "plan" or "map", ..];
// Before .NET looks at any signal.
if (!onlyReads) ChildEnds.BeTold();
PosixSignal[] signals = onlyReads ? [] : [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];
var interrupts = Array.ConvertAll(signals, signal => PosixSignalRegistration.Create(signal, Interrupt));

// A file that is longer than a limit allows is an error of the write then, as one on a full disk is.
using var tooLong = onlyReads ? null : PosixSignalRegistration.Create((PosixSignal)Loadline.Libc.SignalFileSize, signal => signal.Cancel = true);

var services = Bindings.OfThisMachine();
var exitCode = CommandLine.Run(Cli.Create(services, args), args, services, interrupted.Token);
foreach (var interrupt in interrupts) interrupt.Dispose();
return exitCode;

// The first signal lets runs end and clean up; a second one takes its usual course.
void Interrupt(PosixSignalContext signal)
{
    signal.Cancel = !interrupted.IsCancellationRequested;
    interrupted.Cancel();
}
