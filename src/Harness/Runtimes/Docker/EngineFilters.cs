namespace Loadline.Harness.Runtimes.Docker;

/// <summary>Filters of the Engine's lists and events, in the form in which Docker.DotNet takes them.</summary>
internal static class EngineFilters
{
    /// <summary>What has all of these.</summary>
    public static IDictionary<string, IDictionary<string, bool>> Of(params IEnumerable<(string Name, string Value)> filters) =>
        filters.ToDictionary(filter => filter.Name, filter => (IDictionary<string, bool>)new Dictionary<string, bool> { [filter.Value] = true });
}

/// <summary>Hands on what is reported at once. <see cref="Progress{T}"/> does it on another thread, and so maybe after the question is answered.</summary>
internal sealed class Reports<T>(Action<T> onReport) : IProgress<T>
{
    public void Report(T value) => onReport(value);
}
