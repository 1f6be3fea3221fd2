using System.Text;
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
        var isFile = Console.IsOutputRedirected;
        var console = AnsiConsole.Create(
            isFile
                ? new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(output) }
                : new AnsiConsoleSettings { Out = new Terminal() });
        if (isFile) console.Profile.Width = WidthOfFiles;
        console.Pipeline.Attach(new PrintableRendering());
        return console;
    }

    // Not the writer of Console, which throws once the terminal is hung up: what runs goes on then, or ends as signals say.
    private sealed class Terminal : IAnsiConsoleOutput
    {
        private const int UsualWidth = 80;
        private const int UsualHeight = 24;

        public TextWriter Writer => StandardWriter.Output;

        public bool IsTerminal => true;

        public int Width => Known(() => Console.WindowWidth, UsualWidth);

        public int Height => Known(() => Console.WindowHeight, UsualHeight);

        public void SetEncoding(Encoding encoding)
        {
        }

        private static int Known(Func<int> size, int usual)
        {
            try
            {
                return size() is > 0 and var known ? known : usual;
            }
            catch (IOException)
            {
                return usual;
            }
        }
    }
}
