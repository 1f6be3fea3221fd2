using Loadline.Measuring;

namespace Loadline.Testing;

/// <summary>The process under the cap: it runs one body.</summary>
internal static class Child
{
    /// <summary>The body threw: a test that failed.</summary>
    private const int Failed = 1;

    private static async Task<int> Main(string[] args)
    {
        try
        {
            var body = Body.Parse(args);
            // Tests find their files beside their assembly; a capped program starts at the root.
            Environment.CurrentDirectory = Path.GetDirectoryName(body.Assembly)!;
            // What the report needs is there before the body, so that it takes nothing when the body's memory stands highest.
            using var report = new LastReading();
            try
            {
                await body.InvokeAsync();
            }
            finally
            {
                report.Tell();
            }

            return ExitCodes.Loaded;
        }
        catch (Exception e)
        {
            // The harness quotes the last line.
            Console.Error.WriteLine(e.StackTrace);
            Console.Error.WriteLine($"{e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}");
            return Failed;
        }
    }
}
