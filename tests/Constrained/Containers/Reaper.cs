using Docker.DotNet.Models;
using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Images;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Constrained.Containers;

/// <summary>
/// Ryuk, the container in which Testcontainers lets another process remove what a killed suite left. It comes from a registry: where it is not here,
/// our own labels serve the same end, and the next run sweeps. <c>TESTCONTAINERS_RYUK_DISABLED</c> says otherwise.
/// </summary>
internal static class Reaper
{
    private const string Variable = "TESTCONTAINERS_RYUK_DISABLED";
    private const string Repository = "testcontainers/ryuk";

    /// <summary>Turns it off where its image would have to be pulled. Nothing is changed where the user has said which.</summary>
    public static async Task ConfigureAsync(EngineAddress address, CancellationToken cancellation)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 }) return;
        using var engine = await DockerEngine.ConnectAsync(address, cancellation);
        var image = new ImagesListParameters { Filters = EngineFilters.Of(("reference", TestcontainersSettings.ResourceReaperImage?.FullName ?? Repository)) };
        var here = await engine.AskAsync((client, limited) => client.Images.ListImagesAsync(image, limited), cancellation);
        TestcontainersSettings.ResourceReaperEnabled = here.Count > 0;
        // Whichever version is here: all speak the same, and Testcontainers would pull the one it was built with.
        if (TestcontainersSettings.ResourceReaperImage is null && here.SelectMany(i => i.RepoTags ?? []).FirstOrDefault(IsTag) is { } tag)
            TestcontainersSettings.ResourceReaperImage = new DockerImage(tag);
    }

    // What was pulled by its digest is listed as <none>:<none>.
    private static bool IsTag(string name) => name.StartsWith(Repository, StringComparison.Ordinal);
}
