using Spectre.Console;

namespace Loadline.Harness.Output;

/// <summary>A bar for one long piece of work, where standard output is a terminal; it is gone when the work ends.</summary>
internal static class ProgressLine
{
    /// <summary>Runs the work, which reports the fraction done, from 0 to 1.</summary>
    public static async Task<T> ShowAsync<T>(IAnsiConsole console, string title, Func<Action<double>, Task<T>> work)
    {
        if (console.Profile is not { Out.IsTerminal: true, Capabilities.Ansi: true }) return await work(_ => { });
        return await console.Progress().AutoClear(true).StartAsync(progress =>
        {
            var bar = progress.AddTask(Markup.Escape(title), maxValue: 1);
            return work(fraction => bar.Value = fraction);
        });
    }
}
