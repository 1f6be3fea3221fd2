using System.Security.Cryptography;
using Loadline.Checkpoints.Files;

namespace Loadline.Harness.Runtimes.Images;

/// <summary>Bytes of an image, named by their digest.</summary>
internal sealed class Blob : IDisposable
{
    private Blob(string mediaType, Stream bytes, byte[] hash) => (MediaType, Bytes, Hex) = (mediaType, bytes, Convert.ToHexStringLower(hash));

    /// <summary>What it is, in OCI's words.</summary>
    public string MediaType { get; }

    /// <summary>At their beginning.</summary>
    public Stream Bytes { get; }

    /// <summary>The sha256.</summary>
    public string Hex { get; }

    /// <summary>As in <c>sha256:…</c>.</summary>
    public string Digest => $"sha256:{Hex}";

    /// <summary>Where it lies in a layout.</summary>
    public string Path => $"blobs/sha256/{Hex}";

    /// <summary>A document.</summary>
    public static Blob Of(string mediaType, byte[] bytes) => new(mediaType, new MemoryStream(bytes), SHA256.HashData(bytes));

    /// <summary>A layer, which may be larger than memory.</summary>
    /// <param name="contents">Its files.</param>
    /// <param name="archive">The file to be, beside which it waits.</param>
    /// <exception cref="IOException">It cannot be written there.</exception>
    public static Blob Of(IImageLayer contents, string archive)
    {
        var file = WholeFile.Scratch(archive, contents.Bytes, contents.WriteTo);
        try
        {
            var hash = SHA256.HashData(file);
            file.Position = 0;
            return new Blob(OciDocuments.LayerType, file, hash);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Bytes.Dispose();
}
