using System.Globalization;
using System.Net;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>Containers carry their owner: what a killed harness left can be told from what one that runs beside us needs.</summary>
internal static class LeftContainers
{
    private const string RunLabel = "loadline.run";
    private const string OwnerLabel = "loadline.owner";
    private const string UntilLabel = "loadline.until";

    /// <summary>From a run's timeout to the removal of its container by anybody.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    /// <summary>The labels of a new container.</summary>
    public static IReadOnlyDictionary<string, string> Labels(string runId, TimeSpan timeout) => new Dictionary<string, string>
    {
        [RunLabel] = runId,
        [OwnerLabel] = Owner.Self.ToString(),
        [UntilLabel] = (DateTimeOffset.UtcNow + timeout + Grace).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Removes the containers whose owner is gone.</summary>
    public static async Task RemoveAsync(EngineClient engine, CancellationToken cancellation)
    {
        var path = $"/containers/json?all=1&filters={EngineQuery.Filters(("label", OwnerLabel))}";
        foreach (var container in await engine.GetAsync(path, EngineJson.Default.ListedContainerArray, cancellation))
        {
            if (!IsLeft(container.Labels ?? new Dictionary<string, string>())) continue;
            try
            {
                await RemoveAsync(engine, container.Id, cancellation);
            }
            catch (EngineException)
            {
                // One that even the Engine cannot remove must not keep us from working.
            }
        }
    }

    /// <summary>Kills and removes one container; it may be gone already.</summary>
    public static async Task RemoveAsync(EngineClient engine, string id, CancellationToken cancellation)
    {
        try
        {
            await engine.SendAsync(HttpMethod.Delete, $"/containers/{id}?force=1&v=1", cancellation);
        }
        catch (EngineException e) when (e.Status is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // Conflict: somebody else is removing it at this moment.
        }
    }

    /// <summary>Where the owner cannot be seen (it runs in a container, or elsewhere), one is left over once its run must have ended.</summary>
    private static bool IsLeft(IReadOnlyDictionary<string, string> labels) =>
        Owner.TryParse(labels.GetValueOrDefault(OwnerLabel))?.Lives is { } lives
            ? !lives
            : long.TryParse(labels.GetValueOrDefault(UntilLabel), NumberStyles.None, CultureInfo.InvariantCulture, out var until)
                && DateTimeOffset.UtcNow.ToUnixTimeSeconds() > until;
}
