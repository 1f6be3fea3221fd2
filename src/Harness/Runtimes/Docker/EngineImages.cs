using System.Net;
using Docker.DotNet.Models;
using Loadline.Harness.Runtimes.Images;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>Images of an Engine that come from no registry.</summary>
internal sealed class EngineImages(DockerEngine engine)
{
    /// <summary>Says what an image is of: its repository.</summary>
    public const string KindLabel = "loadline.image";

    /// <summary>Says which file of which checkout it was made of.</summary>
    public const string SourceLabel = "loadline.source";

    private const string NoTag = "<none>:<none>";

    private static readonly string[] Registries = ["localhost/", "docker.io/library/"];

    /// <summary>Whether the Engine has it.</summary>
    public async Task<bool> HasAsync(string image, CancellationToken cancellation)
    {
        try
        {
            await engine.AskAsync((client, limited) => client.Images.InspectImageAsync(image, limited), cancellation);
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
    /// <param name="source">The file that it is made of, for <see cref="RemoveEarlierAsync"/>; may be null.</param>
    /// <param name="cancellation">Stops the upload.</param>
    public async Task ImportAsync(ImageContents contents, string image, string? entrypoint, string? source, CancellationToken cancellation)
    {
        using var tar = new MemoryStream();
        contents.WriteTo(tar);
        tar.Position = 0;

        var (repository, tag) = image.Split(':') is [var left, var right] ? (left, right) : throw new ArgumentException("no tag", nameof(image));
        List<string> changes = [$"LABEL {KindLabel}={repository}"];
        if (source is not null) changes.Add($"LABEL {SourceLabel}=\"{source}\"");
        if (entrypoint is not null) changes.Add($"ENTRYPOINT [\"{entrypoint}\"]");
        var parameters = new ImagesCreateParameters { Repo = repository, Tag = tag, Changes = changes };
        // Progress comes under status 200 even if it ends in an error.
        string? error = null;
        var progress = new Reports<JSONMessage>(message => error ??= message.Error?.Message is { } text ? DockerEngine.OneLine(text) : null);
        await engine.AskAsync((client, limited) => client.Images.CreateImageAsync(parameters, tar, null, progress, limited), cancellation);
        if (error is not null) throw new RuntimeException($"docker: the image {image} cannot be made: {error}");
    }

    /// <summary>Removes what was made of earlier contents of the same file. What a container uses stays, and so does what another checkout made.</summary>
    public async Task RemoveEarlierAsync(string image, string source, CancellationToken cancellation)
    {
        var repository = image[..(image.IndexOf(':') + 1)];
        var made = new ImagesListParameters { Filters = EngineFilters.Of(("label", $"{SourceLabel}={source}")) };
        foreach (var other in await engine.AskAsync((client, limited) => client.Images.ListImagesAsync(made, limited), cancellation))
        {
            if (other is null) throw EngineAnswer.Nothing("a list of images");
            // What somebody built on it has its labels, too.
            if (other.RepoTags?.Select(Local).Any(tag => tag != NoTag && (tag == image || !tag.StartsWith(repository, StringComparison.Ordinal))) == true) continue;
            var id = EngineAnswer.ImageId(other.ID);
            try
            {
                await engine.AskAsync((client, limited) => client.Images.DeleteImageAsync(id, new ImageDeleteParameters(), limited), cancellation);
            }
            catch (EngineException e) when (e.Status is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
            {
                // A container uses it, or another harness was faster.
            }
        }
    }

    // What has no registry is localhost's to podman, or Docker's.
    private static string Local(string? tag)
    {
        if (tag is null) throw EngineAnswer.Nothing("the tags of an image");
        return Array.Find(Registries, name => tag.StartsWith(name, StringComparison.Ordinal)) is { } registry ? tag[registry.Length..] : tag;
    }
}
