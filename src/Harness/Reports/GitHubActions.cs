using System.Text;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;

namespace Loadline.Harness.Reports;

/// <summary>What a step of GitHub Actions may say beside its log: a summary of the job, and annotations on lines of files.</summary>
/// <remarks>
/// Workflow commands, https://docs.github.com/actions/reference/workflow-commands-for-github-actions: lines of standard output that begin with two
/// colons. What is printed beside them goes through <see cref="Output.WorkflowLog"/>, which lets no other line be one.
/// </remarks>
/// <param name="log">The step's standard output.</param>
/// <param name="summaryPath">The file that becomes the job's summary.</param>
/// <param name="workspace">The checkout's root, which annotations name files from.</param>
internal sealed class GitHubActions(TextWriter log, string summaryPath, string workspace)
{
    /// <summary>The most that a step's summary may hold; GitHub drops a longer one as a whole.</summary>
    public const int MaxSummaryBytes = 1024 * 1024;

    private const int MostAnnotations = 50;
    private const int MostTitleChars = 200;
    private const int MostMessageChars = 4000;

    private int _annotations;

    /// <summary>Whether this process runs in a step.</summary>
    public static bool IsHere => Environment.GetEnvironmentVariable("GITHUB_ACTIONS") == "true" || Environment.GetEnvironmentVariable("GITHUB_STEP_SUMMARY") is { Length: > 0 };

    /// <summary>Of this process; null where it runs in no step.</summary>
    public static GitHubActions? FromEnvironment(TextWriter log) =>
        Environment.GetEnvironmentVariable("GITHUB_STEP_SUMMARY") is { Length: > 0 } summary
            ? new GitHubActions(log, summary, Environment.GetEnvironmentVariable("GITHUB_WORKSPACE") is { Length: > 0 } root ? root : Directory.GetCurrentDirectory())
            : null;

    /// <summary>Adds to the job's summary.</summary>
    /// <param name="markdown">Makes the text in at most so many bytes: what earlier calls of the step left.</param>
    /// <param name="isSideline">Whether more than it is at stake: then what it fails of is a line.</param>
    public void Summarise(Func<long, string> markdown, bool isSideline = true)
    {
        if (summaryPath == "/dev/null") return;
        if (WhyNoSummary is { } whyNot)
        {
            log.WriteLine($"no summary: {whyNot}");
            return;
        }

        var used = File.Exists(summaryPath) ? new FileInfo(summaryPath).Length : 0;
        var text = markdown(MaxSummaryBytes - used);
        try
        {
            File.AppendAllText(summaryPath, text);
        }
        catch (Exception e) when (isSideline && e is (IOException or UnauthorizedAccessException))
        {
            log.WriteLine($"no summary: GITHUB_STEP_SUMMARY cannot be written: {e.Message}");
        }
    }

    /// <summary>Why there is nothing to add to; null where there is.</summary>
    // GitHub gives each step a file. A pipe would keep us waiting for a reader, or for ever, unless it is one that this process has open (/dev/stdout).
    public string? WhyNoSummary => IsOpen || summaryPath == "/dev/null" || WholeFile.WhyNoFile(summaryPath) is not { } whyNot ? null : $"GITHUB_STEP_SUMMARY {whyNot}";

    private bool IsOpen =>
        summaryPath is "/dev/stdout" or "/dev/stderr" || Path.GetDirectoryName(summaryPath) is "/dev/fd" or "/proc/self/fd";

    /// <summary>Marks a line of a file with an error.</summary>
    /// <param name="file">Relative to the current folder, or absolute; null where no file is to blame.</param>
    /// <param name="line">From 1.</param>
    /// <param name="title">A few words.</param>
    /// <param name="message">All of it.</param>
    public void Annotate(string? file, int line, string title, string message)
    {
        // GitHub shows ten of a step, and the first lines of each: the log has all of it.
        if (++_annotations > MostAnnotations) return;
        (title, message) = (PrintableText.Shorten(title, MostTitleChars), PrintableText.Shorten(message, MostMessageChars));
        var place = file is null ? "" : $"file={Property(Path.GetRelativePath(workspace, Path.GetFullPath(file)))},line={line},";
        log.WriteLine($"::error {place}title={Property(title)}::{Data(message)}");
    }

    private static string Data(string text) => new StringBuilder(text).Replace("%", "%25").Replace("\r", "%0D").Replace("\n", "%0A").ToString();

    private static string Property(string text) => new StringBuilder(Data(text)).Replace(":", "%3A").Replace(",", "%2C").ToString();
}
