using System.Security.Cryptography;
using System.Text;
using Loadline.Harness.Runtimes.Images;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>
/// The image that holds the worker: made here from the published worker and this machine's libraries, in a second and with no registry, and made
/// anew when they change. <c>LOADLINE_IMAGE</c> names another to use instead, whose entrypoint must be the worker.
/// </summary>
internal sealed class WorkerImage(DockerEngine engine, string workerPath)
{
    private const string Repository = "loadline-worker";

    private readonly EngineImages _images = new(engine);
    private readonly string? _given = Environment.GetEnvironmentVariable("LOADLINE_IMAGE") is { Length: > 0 } image ? image : null;
    private readonly SemaphoreSlim _once = new(1);
    private string? _ready;

    /// <summary>Whether an image was made here, and so can be made again.</summary>
    public bool IsOwn(string image) => image == _ready;

    /// <summary>The image's id, or the name of one that was given; it is made if the Engine lacks it, or has another under its name.</summary>
    public async Task<string> EnsureAsync(CancellationToken cancellation)
    {
        if ((_given ?? _ready) is { } ready) return ready;
        await _once.WaitAsync(cancellation);
        try
        {
            return _ready ??= await MakeAsync(cancellation);
        }
        finally
        {
            _once.Release();
        }
    }

    /// <summary>The Engine has lost it.</summary>
    public Task<string> MakeAgainAsync(CancellationToken cancellation)
    {
        _ready = null;
        return EnsureAsync(cancellation);
    }

    private async Task<string> MakeAsync(CancellationToken cancellation)
    {
        var contents = new ImageContents();
        await contents.AddProgramAsync(workerPath, "/" + Repository, cancellation);
        // Each checkout has its own, though the contents be the same: what one of them takes for left over the other may be about to run.
        var source = Path.GetFullPath(workerPath);
        var layer = contents.LayerDigest();
        var image = $"{Repository}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(source)))[..8]}-{ImageContents.TagOf(layer)}";
        if (await _images.FindAsync(image, layer, "/" + Repository, cancellation) is { } found) return found;
        var made = await _images.ImportAsync(contents, image, "/" + Repository, source, cancellation);
        await _images.RemoveEarlierAsync(image, made, source, cancellation);
        return made;
    }
}
