using System.Buffers;
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

    // Of distribution's reference grammar, with digests.
    private static readonly SearchValues<char> CharactersOfNames = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/:@+[]");

    private static readonly string[] Registries = ["localhost/", "docker.io/library/"];

    /// <summary>Whether the Engine has it.</summary>
    public async Task<bool> HasAsync(string image, CancellationToken cancellation) => await InspectAsync(image, cancellation) is not null;

    /// <summary>
    /// The id of an image that is what <see cref="ImportAsync"/> would make; null where there is none of the name, or it is another. Anybody who may use the Engine
    /// can give a name to any image; whose layer has this digest has its bytes.
    /// </summary>
    /// <param name="image">REPOSITORY:TAG.</param>
    /// <param name="layer">The digest of its one layer, not compressed, as in <c>sha256:9f86…</c>: the <c>diff_id</c> of OCI's image-spec, config.md.</param>
    /// <param name="entrypoint">The program of its containers.</param>
    /// <param name="cancellation">Stops the question.</param>
    public async Task<string?> FindAsync(string image, string layer, string entrypoint, CancellationToken cancellation)
    {
        try
        {
            var found = await InspectAsync(image, cancellation);
            var isIt = found?.RootFS?.Layers is [var only] && only == layer && IsOfHere(found) && StartsOnly(found.Config, entrypoint);
            return isIt ? EngineAnswer.BareImageId(EngineAnswer.ImageId(found!.ID)) : null;
        }
        catch (RuntimeException e) when (e.GetBaseException() is LongAnswerException)
        {
            // Labels without end, of which ours has one.
            return null;
        }
    }

    // What an Engine says nothing of it takes for its own.
    private static bool IsOfHere(ImageInspectResponse image) =>
        image.Architecture is null or "" || image.Architecture == ImageSettings.Architecture;

    private async Task<ImageInspectResponse?> InspectAsync(string image, CancellationToken cancellation)
    {
        if (IsAnotherPath(image)) return null;
        try
        {
            return await engine.AskAsync((client, limited) => client.Images.InspectImageAsync(image, limited), cancellation);
        }
        // What can be no image's name is none that is here.
        catch (EngineException e) when (e.Status is HttpStatusCode.NotFound or HttpStatusCode.BadRequest)
        {
            return null;
        }
    }

    // The name is a part of a path of the Engine's API, as it stands: with these it would be another question.
    private static bool IsAnotherPath(string image) =>
        image.Split('/').Any(part => part is "" or "." or "..") || image.AsSpan().ContainsAnyExcept(CharactersOfNames);

    // A variable (LD_PRELOAD), a user or a volume of an image's own would be each container's.
    private static bool StartsOnly(DockerOCIImageConfig? config, string entrypoint) => config is not null
        && config.Entrypoint is [var program] && program == entrypoint && config.Cmd is null or [] && config.Env is null or [] && config.OnBuild is null or []
        && config.Volumes is null or { Count: 0 } && config.User is null or "" && config.WorkingDir is null or "" or "/" && config.Healthcheck is null;

    /// <summary>Makes an image of one layer.</summary>
    /// <param name="contents">Its files.</param>
    /// <param name="image">REPOSITORY:TAG.</param>
    /// <param name="entrypoint">The program of containers that name none; may be null.</param>
    /// <param name="source">The file that it is made of, for <see cref="RemoveEarlierAsync"/>; may be null.</param>
    /// <param name="cancellation">Stops the upload.</param>
    /// <returns>Its id, which is nobody else's; the name where the Engine tells none.</returns>
    public async Task<string> ImportAsync(ImageContents contents, string image, string? entrypoint, string? source, CancellationToken cancellation)
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
        string? id = null;
        var progress = new Reports<JSONMessage>(message =>
        {
            error ??= message.Error?.Message is { } text ? DockerEngine.OneLine(text) : null;
            id = EngineAnswer.IsImageId(message.Status) ? EngineAnswer.BareImageId(message.Status!) : id;
        });
        await engine.AskAsync((client, limited) => client.Images.CreateImageAsync(parameters, tar, null, progress, limited), cancellation);
        if (error is not null) throw new RuntimeException($"docker: the image {image} cannot be made: {error}");
        return id ?? image;
    }

    /// <summary>Removes what was made of earlier contents of the same file. What a container uses stays, and so does what another checkout made.</summary>
    /// <param name="image">The name of what stays.</param>
    /// <param name="made">Its id, for an Engine that gives it another name.</param>
    /// <param name="source">The file.</param>
    /// <param name="cancellation">Stops the removal.</param>
    public async Task RemoveEarlierAsync(string image, string made, string source, CancellationToken cancellation)
    {
        var repository = image[..(image.IndexOf(':') + 1)];
        var ours = new ImagesListParameters { Filters = EngineFilters.Of(("label", $"{SourceLabel}={source}")) };
        List<string> earlier = [];
        foreach (var other in await engine.AskAsync((client, limited) => client.Images.ListImagesAsync(ours, limited), cancellation))
        {
            if (other is null) throw EngineAnswer.Nothing("a list of images");
            // What somebody built on it has its labels, too.
            if (other.RepoTags?.Select(Local).Any(tag => tag != NoTag && (tag == image || !tag.StartsWith(repository, StringComparison.Ordinal))) == true) continue;
            var id = EngineAnswer.ImageId(other.ID);
            if (EngineAnswer.BareImageId(id) != made) earlier.Add(id);
        }

        // A container may use one, or another harness was faster.
        await LeftContainers.SweepAsync(
            earlier, (id, limited) => engine.AskAsync((client, patient) => client.Images.DeleteImageAsync(id, new ImageDeleteParameters(), patient), limited), cancellation);
    }

    // What has no registry is localhost's to podman, or Docker's.
    private static string Local(string? tag)
    {
        if (tag is null) throw EngineAnswer.Nothing("the tags of an image");
        return Array.Find(Registries, name => tag.StartsWith(name, StringComparison.Ordinal)) is { } registry ? tag[registry.Length..] : tag;
    }
}
