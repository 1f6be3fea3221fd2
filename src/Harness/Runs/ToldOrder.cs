using Loadline.Measuring;

namespace Loadline.Harness.Runs;

/// <summary>A worker's great words, which it says once each and in an order: whoever says them otherwise is none, and one half of what it says is not so.</summary>
internal sealed class ToldOrder
{
    private readonly HashSet<string> _told = [];

    /// <summary>What no worker says so, first, as the rest of a sentence; null where one may. A log that has lost its beginning is still in order.</summary>
    public string? WhyNot { get; private set; }

    /// <summary>Takes the next event in.</summary>
    public void Add(WorkerEvent e)
    {
        if (WordOf(e) is not { } word) return;
        WhyNot ??= _told.Contains(word) ? $"says '{word}' more than once, which no worker does"
            : _told.Contains("failed") ? $"says '{word}' after it failed"
            : e is LoadReport && _told.Contains("verified") ? "says 'verified' before 'loaded'"
            : e is FailedEvent failure ? WhyNotFailed(failure)
            : null;
        _told.Add(word);
    }

    // After the load it may still fail to read its weights back, or what they are held against: digests are read then, and may be none. After that, one of the
    // processes beside it may be killed while they wait for each other.
    private string? WhyNotFailed(FailedEvent failure) =>
        _told.Contains("verified") && failure.Kind != "killed" ? $"says that it verified its weights, and then '{failure.Kind}': {failure.Message}" : null;

    private static string? WordOf(WorkerEvent e) => e switch
    {
        StartEvent => "start",
        LoadReport => "loaded",
        VerifiedEvent => "verified",
        FailedEvent => "failed",
        _ => null,
    };
}
