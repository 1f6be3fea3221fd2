using Loadline.Harness.Output;
using Spectre.Console;

namespace Loadline.Harness.Services;

/// <summary>The console of this process. A pipe or a file gets neither colours nor lines cut to a width that it does not have.</summary>
/// <param name="output">Standard output.</param>
internal sealed class TerminalConsole(TextWriter output) : ConsoleOpener
{
    private const int WidthOfFiles = 200;

    public override IAnsiConsole Open()
    {
        var console = AnsiConsole.Console;
        if (Console.IsOutputRedirected)
        {
            console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(output) });
            console.Profile.Width = WidthOfFiles;
        }

        console.Pipeline.Attach(new PrintableRendering());
        return console;
    }
}
