using System.Formats.Tar;
using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Images;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Images;
using Microsoft.Extensions.Logging.Abstractions;

namespace Loadline.Constrained.Containers;

/// <summary>
/// The image of the suite's containers: the published worker and this machine's libraries that it loads, FROM scratch, so that no registry is
/// needed. It is built when the first case wants it, and removed with the suite.
/// </summary>
internal sealed class WorkerImage(string workerPath, IDockerEndpointAuthenticationConfiguration endpoint) : IAsyncDisposable
{
    private const string Dockerfile = """
        FROM scratch
        COPY root /
        ENTRYPOINT ["/loadline-worker"]
        """;

    private readonly SemaphoreSlim _once = new(1);
    private IFutureDockerImage? _image;

    /// <summary>The image's name; it is built the first time. <c>LOADLINE_IMAGE</c> names another, whose entrypoint must be the worker.</summary>
    /// <exception cref="RuntimeException">There is no worker, or one of its libraries is missing.</exception>
    public async Task<string> EnsureAsync(CancellationToken cancellation)
    {
        if (Environment.GetEnvironmentVariable("LOADLINE_IMAGE") is { Length: > 0 } given) return given;
        await _once.WaitAsync(cancellation);
        try
        {
            return (_image ??= await BuildAsync(cancellation)).FullName;
        }
        finally
        {
            _once.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_image is not null) await _image.DisposeAsync();
        _once.Dispose();
    }

    private async Task<IFutureDockerImage> BuildAsync(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        var contents = new ImageContents();
        await contents.AddProgramAsync(workerPath, "/loadline-worker", cancellation);
        using var tar = new MemoryStream();
        contents.WriteTo(tar);
        tar.Position = 0;
        await TarFile.ExtractToDirectoryAsync(tar, Directory.CreateDirectory(folder["root"]).FullName, overwriteFiles: false, cancellation);
        await File.WriteAllTextAsync(folder["Dockerfile"], Dockerfile, cancellation);

        var image = new ImageFromDockerfileBuilder()
            .WithDockerEndpoint(endpoint)
            .WithDockerfileDirectory(folder.Path)
            .WithLogger(NullLogger.Instance)
            .Build();
        await image.CreateAsync(cancellation);
        return image;
    }
}
