using Docker.DotNet.Models;
using DotNet.Testcontainers.Configurations;
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
    }
}
