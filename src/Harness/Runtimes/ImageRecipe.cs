using System.ComponentModel;
using System.Diagnostics;

namespace Loadline.Harness.Runtimes;

/// <summary>Runs a recipe of containers/, where this is a checkout of the repository.</summary>
internal static class ImageRecipe
{
    /// <summary>Makes an image. It takes up to a minute, and says on standard error what it does.</summary>
    /// <param name="script">The recipe, from the repository's root.</param>
    /// <param name="dockerHost">The Engine that gets the image, as <c>DOCKER_HOST</c> names it.</param>
    /// <param name="cancellation">Ends the recipe.</param>
    /// <returns>Why it could not be made, in one line; null where it was.</returns>
    public static async Task<string?> MakeAsync(string script, string dockerHost, CancellationToken cancellation)
    {
        if (RepositoryRoot.Find() is not { } root || Path.Combine(root, script) is var path && !File.Exists(path)) return $"there is no {script} here: run it in a checkout of Loadline";
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Path.Combine(root, script))
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment = { ["DOCKER_HOST"] = dockerHost },
            })!;
            var errors = new Tail();
            await Console.Error.WriteLineAsync($"loadline: {script} makes an image, once");
            try
            {
                await Task.WhenAll(
                    new LineSplitter(errors.Add).ReadAsync(process.StandardError.BaseStream, cancellation),
                    new LineSplitter(_ => { }).ReadAsync(process.StandardOutput.BaseStream, cancellation));
                await process.WaitForExitAsync(cancellation);
            }
            finally
            {
                if (!process.HasExited) process.Kill(entireProcessTree: true);
            }

            return process.ExitCode == 0 ? null : errors.Lines.LastOrDefault() ?? $"{script} ended with exit code {process.ExitCode}";
        }
        catch (Win32Exception e)
        {
            return $"{script} cannot be started: {e.Message}";
        }
    }
}
