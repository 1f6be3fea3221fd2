using Loadline.Harness.Budgets;
using Loadline.Harness.Floors;
using Loadline.Harness.Output;
using Loadline.Harness.Results;
using Loadline.Measuring;
using Spectre.Console;

namespace Loadline.Unit.Harness.Output;

public class FloorViewTests
{
    private static readonly BudgetCase Probe = new() { Name = "n", Checkpoint = "c", CapBytes = 74 << 20, Why = "w" };

    private static readonly CaseResult Ended = new()
    {
        Name = "n",
        Checkpoint = "c",
        Cap = "74MiB",
        Why = "w",
        CapBytes = 74 << 20,
        Outcome = Outcome.Killed,
        Pass = true,
        Cold = false,
        PeakAnonymousBytes = 70 << 20,
        WallSeconds = 1.5,
    };

    [Fact]
    public async Task Without_a_terminal_there_is_a_line_a_probe()
    {
        using var lines = new StringWriter();

        (await ShowAsync(new FloorView(Console(lines, AnsiSupport.No), lines))).Should().Be(7);

        lines.ToString().Should().Be("    74 MiB  killed          70 MiB    1.5 s  warm\n");
    }

    [Fact]
    public async Task On_a_terminal_the_line_stays_when_the_live_one_goes()
    {
        using var screen = new StringWriter();

        (await ShowAsync(new FloorView(Console(screen, AnsiSupport.Yes), writer: null))).Should().Be(7);

        screen.ToString().Should().Contain("    74 MiB  killed          70 MiB    1.5 s  warm");
    }

    private static IAnsiConsole Console(TextWriter to, AnsiSupport ansi) => AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = ansi,
        Interactive = ansi == AnsiSupport.Yes ? InteractionSupport.Yes : InteractionSupport.No,
        Out = new AnsiConsoleOutput(to),
    });

    private static Task<int> ShowAsync(FloorView view) => view.ShowAsync(() =>
    {
        view.Started(Probe);
        view.Saw(new PhaseEvent("read", 0.1));
        view.Saw(new SampleEvent(0.1, 1 << 20, 0, 0, 0, 0, 0));
        view.Ended(new FloorProbe(Probe.CapBytes, Outcome.Killed, null), Ended);
        return Task.FromResult(7);
    });
}
