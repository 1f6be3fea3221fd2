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
        var changes = "&changes=" + Uri.EscapeDataString($"LABEL {Label}={repository}");
        if (entrypoint is not null) changes += "&changes=" + Uri.EscapeDataString($"ENTRYPOINT [\"{entrypoint}\"]");
        var path = $"/images/create?fromSrc=-&repo={repository}&tag={tag}{changes}";
        using var response = await engine.OpenAsync(HttpMethod.Post, path, content, cancellation);
        var error = await engine.ReadAsync(response, stream => ErrorIn(stream, cancellation), cancellation);
        if (error is not null) throw new RuntimeException($"docker: the image {image} cannot be made: {error}");
    }

    /// <summary>Progress comes as one JSON object a line, under status 200 even if it ends in an error.</summary>
    private static async Task<string?> ErrorIn(Stream stream, CancellationToken cancellation)
    {
        string? error = null;
        var lines = new LineSplitter(line => error ??= JsonSerializer.Deserialize(line, EngineJson.Default.ImportProgress)?.Error);
        await lines.ReadAsync(stream, cancellation);
        return error;
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
