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
        // As long as it was when it was looked at, and without waiting: something else may have its name by now.
        using var handle = SourceFile.OpenHandle(_path);
        if (FileVersion.Of(_path, handle).Bytes != Bytes) throw new InputException($"{_path}: changed while it was read");
        using var file = new FileStream(handle, FileAccess.Read);
        var buffer = new byte[1 << 20];
        for (var rest = Bytes; rest > 0;)
        {
            var read = file.Read(buffer, 0, (int)Math.Min(buffer.Length, rest));
            if (read == 0) throw new InputException($"{_path}: changed while it was read");
            tar.Write(buffer, 0, read);
            rest -= read;
        }
    }
}
