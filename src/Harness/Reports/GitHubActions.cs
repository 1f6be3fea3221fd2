using System.Security.Cryptography;
using System.Text;

namespace Loadline.Harness.Reports;

/// <summary>What a step of GitHub Actions may say beside its log: a summary of the job, and annotations on lines of files.</summary>
/// <remarks>
/// Workflow commands, https://docs.github.com/actions/reference/workflow-commands-for-github-actions: lines of standard output that begin with two
/// colons. Any line may be one, so what another program wrote is printed between <c>::stop-commands::</c> and its end.
/// </remarks>
/// <param name="log">The step's standard output.</param>
/// <param name="summaryPath">The file that becomes the job's summary.</param>
/// <param name="workspace">The checkout's root, which annotations name files from.</param>
internal sealed class GitHubActions(TextWriter log, string summaryPath, string workspace)
{
    /// <summary>The most that a step's summary may hold; GitHub drops a longer one as a whole.</summary>
    public const int MaxSummaryBytes = 1024 * 1024;

    /// <summary>Of this process; null where it runs in no step.</summary>
    public static GitHubActions? FromEnvironment(TextWriter log) =>
        Environment.GetEnvironmentVariable("GITHUB_STEP_SUMMARY") is { Length: > 0 } summary
            ? new GitHubActions(log, summary, Environment.GetEnvironmentVariable("GITHUB_WORKSPACE") is { Length: > 0 } root ? root : Directory.GetCurrentDirectory())
            : null;

    /// <summary>Adds to the job's summary.</summary>
    /// <param name="markdown">Makes the text in at most so many bytes: what earlier calls of the step left.</param>
    public void Summarise(Func<long, string> markdown)
    {
        var used = File.Exists(summaryPath) ? new FileInfo(summaryPath).Length : 0;
        File.AppendAllText(summaryPath, markdown(MaxSummaryBytes - used));
    }

    /// <summary>Marks a line of a file with an error.</summary>
    /// <param name="file">Relative to the current folder, or absolute; null where no file is to blame.</param>
    /// <param name="line">From 1.</param>
    /// <param name="title">A few words.</param>
    /// <param name="message">All of it.</param>
    public void Annotate(string? file, int line, string title, string message)
    {
        var place = file is null ? "" : $"file={Property(Path.GetRelativePath(workspace, Path.GetFullPath(file)))},line={line},";
        log.WriteLine($"::error {place}title={Property(title)}::{Data(message)}");
    }

    /// <summary>Prints what is not ours; no line of it is taken for a command.</summary>
    public void WriteForeign(string text)
    {
        using var foreign = Foreign(log);
        log.WriteLine(text);
    }

    /// <summary>From here on until this is disposed, no line of the step is taken for a command: while a program of anybody's prints.</summary>
    /// <param name="stream">Where it is said: the step's standard output or standard error.</param>
    public static IDisposable Foreign(TextWriter stream) => new Silence(stream, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));

    private static string Data(string text) => new StringBuilder(text).Replace("%", "%25").Replace("\r", "%0D").Replace("\n", "%0A").ToString();

    private static string Property(string text) => new StringBuilder(Data(text)).Replace(":", "%3A").Replace(",", "%2C").ToString();

    private sealed class Silence : IDisposable
    {
        private readonly TextWriter _log;
        private readonly string _token;

        public Silence(TextWriter log, string token)
        {
            (_log, _token) = (log, token);
            log.WriteLine($"::stop-commands::{token}");
        }

        public void Dispose() => _log.WriteLine($"::{_token}::");
    }
}
