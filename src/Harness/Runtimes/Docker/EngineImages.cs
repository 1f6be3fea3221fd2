using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>Images of an Engine that come from no registry.</summary>
internal sealed class EngineImages(EngineClient engine)
{
    private const string Label = "loadline.image";

    /// <summary>Younger ones may belong to a harness that is between two runs.</summary>
    private static readonly TimeSpan LeftAfter = TimeSpan.FromHours(1);

    /// <summary>Whether the Engine has it.</summary>
    public async Task<bool> HasAsync(string image, CancellationToken cancellation)
    {
        try
        {
            await engine.SendAsync(HttpMethod.Get, $"/images/{image}/json", cancellation);
            return true;
        }
        catch (EngineException e) when (e.Status == HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    /// <summary>Makes an image of one layer.</summary>
    /// <param name="contents">Its files.</param>
    /// <param name="image">REPOSITORY:TAG.</param>
    /// <param name="entrypoint">The program of containers that name none; may be null.</param>
    /// <param name="cancellation">Stops the upload.</param>
    public async Task ImportAsync(ImageContents contents, string image, string? entrypoint, CancellationToken cancellation)
    {
        using var tar = new MemoryStream();
        contents.WriteTo(tar);
        tar.Position = 0;
        using var content = new StreamContent(tar);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");

        var (repository, tag) = image.Split(':') is [var left, var right] ? (left, right) : throw new ArgumentException("no tag", nameof(image));
        string[] changes = entrypoint is null ? [$"LABEL {Label}={repository}"] : [$"LABEL {Label}={repository}", $"ENTRYPOINT [\"{entrypoint}\"]"];
        var query = string.Concat(changes.Select(change => "&changes=" + Uri.EscapeDataString(change)));
        using var response = await engine.OpenAsync(HttpMethod.Post, $"/images/create?fromSrc=-&repo={repository}&tag={tag}{query}", content, cancellation);
        var progress = await response.Content.ReadAsStringAsync(cancellation);
        foreach (var line in progress.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            if (JsonSerializer.Deserialize(line, EngineJson.Default.ImportProgress)?.Error is { } error)
                throw new RuntimeException($"docker: the image {image} cannot be made: {error}");
    }

    /// <summary>Removes the images of earlier contents that no container uses.</summary>
    public async Task RemoveOthersAsync(string image, CancellationToken cancellation)
    {
        var path = $"/images/json?filters={EngineQuery.Filters(("label", $"{Label}={image.Split(':')[0]}"))}";
        var youngest = (DateTimeOffset.UtcNow - LeftAfter).ToUnixTimeSeconds();
        foreach (var other in await engine.GetAsync(path, EngineJson.Default.ListedImageArray, cancellation))
        {
            if (other.Created > youngest || other.RepoTags?.Contains(image) == true) continue;
            try
            {
                await engine.SendAsync(HttpMethod.Delete, $"/images/{other.Id}", cancellation);
            }
            catch (EngineException e) when (e.Status is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
            {
                // A container uses it, or another harness was faster.
            }
        }
    }
}
