using System.CommandLine;
using Loadline.Checkpoints;
using Loadline.Harness.Diagnosis;
using Loadline.Harness.Services;
using Loadline.Measuring;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline doctor</c>: what is there, what is not, what to install.</summary>
internal static class DoctorCommand
{
    public static Command Create(HarnessServices services)
    {
        var command = new Command("doctor", "Show what this machine has for capped runs, and what to install.");
        command.SetAction(async (_, cancellation) =>
        {
            var findings = await new Doctor(services).ExamineAsync(cancellation);
            foreach (var finding in findings) services.Out.WriteLine(PrintableText.Escape($"{finding}"));

            // A cap needs one runtime that works, whichever it is, and the worker.
            var runtime = findings.Any(f => f is { IsRuntime: true, Found: true });
            var worker = findings.Any(f => f is { What: Doctor.Worker, Found: true });
            services.Out.WriteLine(runtime && worker ? "loadline run works here" : $"loadline run cannot work here: {(runtime ? "the worker" : "a runtime")} is missing");
            return runtime && worker ? ExitCodes.Loaded : ExitCodes.Infrastructure;
        });
        return command;
    }
}
