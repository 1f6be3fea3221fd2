using Loadline.Checkpoints.Files;

namespace Loadline.Harness.Runtimes.Images;

/// <summary>A system as a lowest layer: a tar that somebody made of one, as mmdebstrap does. It goes into the image as it is.</summary>
internal sealed class BaseArchive : IImageLayer
{
    // POSIX.1-2017, pax, "ustar Interchange Format": the magic of a header, for GNU's kind with a blank behind it.
    private const int MagicAt = 257;

    private readonly string _path;

    private BaseArchive(string path, long bytes) => (_path, Bytes) = (path, bytes);

    /// <inheritdoc/>
    public long Bytes { get; }

    /// <summary>Looks at a file.</summary>
    /// <exception cref="InputException">It is no such tar.</exception>
    public static BaseArchive Of(string path)
    {
        try
        {
            using var file = SourceFile.OpenHandle(path);
            var version = FileVersion.Of(path, file);
            var header = new byte[512];
            return RandomAccess.Read(file, header, 0) == header.Length && header.AsSpan(MagicAt).StartsWith("ustar"u8)
                ? new BaseArchive(path, version.Bytes)
                : throw new InputException($"{path}: is no tar of a system, or a compressed one: name one as `mmdebstrap --variant=extract SUITE base.tar` writes it");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}");
        }
    }

    /// <inheritdoc/>
    public void WriteTo(Stream tar)
    {
        using var file = File.OpenRead(_path);
        file.CopyTo(tar);
    }
}
