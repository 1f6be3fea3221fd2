using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Cgroups;

namespace Loadline.Unit.Harness.Runtimes.Cgroups;

/// <summary>What signals do to a program in a cgroup: as anywhere else, whatever .NET has the harness do with them.</summary>
public sealed class CgroupSignalsTests
{
    // SIGPIPE.
    private const int BrokenPipe = 13;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_program_whose_reader_has_gone_ends_by_it()
    {
        var (exitCode, lines) = await RunAsync("grep SigIgn /proc/self/status; sh -c 'kill -13 $$; echo alive'; echo $?");

        // Others this process may have been started to ignore, as a shell has it of what it starts in the background.
        (Convert.ToInt64(lines[0].Split('\t')[1], 16) & (1 << (BrokenPipe - 1))).Should().Be(0);
        lines[1..].Should().Equal("141");
        exitCode.Should().Be(0);
    }

    private static async Task<(int ExitCode, List<string> Lines)> RunAsync(string script)
    {
        await using var runtime = await RealRuntime.OrSkipAsync("cgroup", () => CgroupRuntime.StartAsync("/no/worker", Cancellation));
        var lines = new List<string>();
        var spec = new ContainerSpec { Command = ["/bin/sh", "-c", script], CapBytes = 64 * ByteSize.MiB, Timeout = TimeSpan.FromMinutes(1) };
        var outcome = await runtime.RunAsync(spec, lines.Add, Cancellation);
        return (outcome.ExitCode, lines);
    }
}
