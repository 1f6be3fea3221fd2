using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Docker.DotNet.Models;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>Containers carry their owner: what a killed harness left can be told from what one that runs beside us needs.</summary>
/// <remarks>
/// In labels; but those of an image, as of one that was committed from a container of ours, are on every container of it, whoever starts it. The name, which no
/// image gives, has the run's id as well.
/// </remarks>
internal static partial class LeftContainers
{
    private const string RunLabel = "loadline.run";
    private const string OwnerLabel = "loadline.owner";
    private const string UntilLabel = "loadline.until";

    /// <summary>From a run's timeout to the removal of its container by anybody.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    /// <summary>For all that is left together: an Engine that removes nothing, or slowly, keeps nobody waiting again and again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static int s_made;

    /// <summary>A name for a new container.</summary>
    public static string NewName(string runId) => $"{Prefix(runId)}{Interlocked.Increment(ref s_made).ToString(CultureInfo.InvariantCulture)}";

    /// <summary>The labels of a new container.</summary>
    public static Dictionary<string, string> Labels(string runId, TimeSpan timeout) => new()
    {
        [RunLabel] = runId,
        [OwnerLabel] = Owner.Self.ToString(),
        [UntilLabel] = (DateTimeOffset.UtcNow + timeout + Grace).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Removes the containers whose owner is gone. One that even the Engine cannot remove, or not in time, must not keep us from working.</summary>
    public static async Task RemoveAsync(DockerEngine engine, CancellationToken cancellation)
    {
        var owned = new ContainersListParameters { All = true, Filters = EngineFilters.Of(("label", OwnerLabel)) };
        List<string> left = [];
        foreach (var container in await engine.AskAsync((client, limited) => client.Containers.ListContainersAsync(owned, limited), cancellation))
        {
            if (container is null) throw EngineAnswer.Nothing("a list of containers");
            var labels = container.Labels ?? new Dictionary<string, string>();
            if (IsOurs(container.Names, labels) && IsLeft(Label(labels, OwnerLabel), Label(labels, UntilLabel))) left.Add(EngineAnswer.Id(container.ID));
        }

        await SweepAsync(left, (id, limited) => RemoveAsync(engine, id, limited), cancellation);
    }

    /// <summary>Removes things one after another, as many as there is time for: in another order each time, so that none stands before the others for ever.</summary>
    /// <param name="left">What is left, by its ids.</param>
    /// <param name="remove">Removes one.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task SweepAsync(List<string> left, Func<string, CancellationToken, Task> remove, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(Patience);
        Random.Shared.Shuffle(CollectionsMarshal.AsSpan(left));
        foreach (var id in left)
        {
            try
            {
                await remove(id, limited.Token);
            }
            catch (RuntimeException)
            {
                // It stays.
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>Kills and removes one container; it may be gone already.</summary>
    public static async Task RemoveAsync(DockerEngine engine, string id, CancellationToken cancellation)
    {
        try
        {
            var all = new ContainerRemoveParameters { Force = true, RemoveVolumes = true };
            await engine.AskAsync((client, limited) => client.Containers.RemoveContainerAsync(id, all, limited), cancellation);
        }
        catch (EngineException e) when (e.Status is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // Conflict: somebody else is removing it at this moment.
        }
    }

    private static string Prefix(string runId) => $"loadline-{runId}-";

    // The API writes names with a slash before them. A run's id is a GUID's digits: an image's label may hold what somebody's own container happens to be called.
    private static bool IsOurs(IList<string>? names, IDictionary<string, string> labels) =>
        Label(labels, RunLabel) is { } run && RunId().IsMatch(run) && names?.Any(name => IsName(name?.TrimStart('/'), run)) == true;

    private static bool IsName(string? name, string run) =>
        name?.StartsWith(Prefix(run), StringComparison.Ordinal) == true && Number().IsMatch(name.AsSpan(Prefix(run).Length));

    /// <summary>Where the owner cannot be seen (it runs in a container, or elsewhere), one is left over once its run must have ended.</summary>
    private static bool IsLeft(string? owner, string? until) => Owner.TryParse(owner) is { } parsed && (parsed.Lives is { } lives
        ? !lives
        : long.TryParse(until, NumberStyles.None, CultureInfo.InvariantCulture, out var time) && DateTimeOffset.UtcNow.ToUnixTimeSeconds() > time);

    private static string? Label(IDictionary<string, string> labels, string name) => labels.TryGetValue(name, out var text) ? text : null;

    [GeneratedRegex(@"^[0-9a-f]{32}\z", RegexOptions.CultureInvariant)]
    private static partial Regex RunId();

    [GeneratedRegex(@"^[0-9]{1,10}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
