using Spectre.Console;

namespace Loadline.Harness.Services;

/// <summary>Makes a console. A class of its own, and no delegate or lazy value: to name the console's type in one would load its assembly, for every command.</summary>
internal abstract class ConsoleOpener
{
    /// <summary>A new one.</summary>
    public abstract IAnsiConsole Open();
}
