using System.Text.Json;
using Loadline.Harness.Output;
using Loadline.Harness.Runs;
using Loadline.Harness.Services;
using Loadline.Measuring;

namespace Loadline.Harness.Commands;

/// <summary><c>loadline run --cap SIZE -- COMMAND</c>: one program under a cap.</summary>
internal sealed class ProgramRun(HarnessServices services, OtherProgram program, long capBytes)
{
    /// <summary>As <c>timeout</c> of the core utilities ends.</summary>
    private const int TimedOut = 124;

    /// <summary>Runs it, with its output where it would go without a cap, and says what it took.</summary>
    /// <param name="runtimeName">What was asked to hold the cap.</param>
    /// <param name="json">Whether standard output is for JSON alone.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The program's own exit code; 137 where the cap killed it, 124 where its time was over.</returns>
    public async Task<int> RunAsync(string runtimeName, bool json, CancellationToken cancellation)
    {
        if (program.WhyNot(runtimeName) is { } whyNot) throw new InputException(whyNot);
        await using var runtime = await services.OpenRuntime(program.RuntimeName, "", cancellation);
        if (program.Image is { } image && await runtime.WhyNoImageAsync(image, cancellation) is { } whyNoImage) throw new InputException(whyNoImage);

        var gate = new Lock();
        var run = await program.RunAsync(runtime, capBytes, line => Pass(json ? services.Error : services.Out, line), line => Pass(services.Error, line), cancellation);
        var report = ProgramReport.Of(program, run.Result, runtime.Description);
        services.Out.WriteLine(json ? JsonSerializer.Serialize(report, ProgramJson.Default.ProgramReport) : ProgramText.Of(report, services.Nvidia.Gpus > 0));
        return report.TimedOut ? TimedOut : report.Killed ? ExitCodes.Killed : report.ExitCode;

        // Both streams come on threads of their own.
        void Pass(TextWriter writer, string line)
        {
            lock (gate) writer.WriteLine(line);
            // As of `yes | head -1`: in a shell the program would end by it.
            if (ReferenceEquals(writer, services.Out) && StandardWriter.Output.IsUnheard) throw new IOException("nobody reads standard output any more, and the program was ended");
        }
    }
}
