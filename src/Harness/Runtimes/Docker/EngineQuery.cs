using System.Globalization;
using System.Text.Json;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>Values in the query of a request, as the Engine API writes them.</summary>
internal static class EngineQuery
{
    /// <summary>Filters as escaped JSON: <c>{"label":["loadline.owner"]}</c>.</summary>
    public static string Filters(params IEnumerable<(string Name, string Value)> filters) => Uri.EscapeDataString(JsonSerializer.Serialize(
        filters.ToDictionary(filter => filter.Name, filter => new[] { filter.Value }), EngineJson.Default.DictionaryStringStringArray));

    /// <summary>Seconds since 1970 with a fraction.</summary>
    public static string Time(DateTimeOffset time) =>
        ((time - DateTimeOffset.UnixEpoch).Ticks / (decimal)TimeSpan.TicksPerSecond).ToString("0.0000000", CultureInfo.InvariantCulture);
}
