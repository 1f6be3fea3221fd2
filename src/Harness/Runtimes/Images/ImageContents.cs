using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;

namespace Loadline.Harness.Runtimes.Images;

/// <summary>
/// The files of an image of one layer: programs of this machine with the libraries they load, an empty <c>/tmp</c>, and what <c>ldconfig</c> reads.
/// </summary>
internal sealed class ImageContents : IImageLayer
{
    private const UnixFileMode Executable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode AnybodyMayWrite =
        Executable | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite | UnixFileMode.StickyBit;

    // NVIDIA's container toolkit mounts the driver's libraries, libcuda.so.1 among them, and lets the machine's ldconfig write the container's cache of
    // libraries: there it writes into /etc/ld.so.conf.d, and some of its versions fail where that folder is missing.
    private static readonly (string Path, string Text)[] LoaderConfiguration =
    [
        ("/etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n"),
        ("/etc/ld.so.conf.d/driver.conf", "/usr/lib64\n"),
    ];

    private readonly SortedDictionary<string, string> _files = new(StringComparer.Ordinal);

    /// <summary>Whether it is the lowest layer, with <c>/tmp</c> and the loader's configuration. One above it holds its files alone.</summary>
    public bool IsBase { get; init; } = true;

    /// <inheritdoc/>
    public long Bytes => _files.Values.Sum(file => new FileInfo(File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? file).Length);

    /// <summary>Adds a program or a library under a path of the image, and the libraries it loads: those beside it stay beside it, others keep their own paths.</summary>
    /// <param name="file">The program.</param>
    /// <param name="asPath">Where the image has it.</param>
    /// <param name="cancellation">Stops the search.</param>
    /// <param name="withSystem">Whether libraries that do not lie beside it are wanted, or a layer below has a system of its own.</param>
    /// <exception cref="RuntimeException">The program or one of its libraries is not there.</exception>
    public async Task AddProgramAsync(string file, string asPath, CancellationToken cancellation, bool withSystem = true)
    {
        Add(file, asPath);
        foreach (var library in await SharedLibraries.OfAsync(file, cancellation))
        {
            if (Path.GetDirectoryName(library) == Path.GetDirectoryName(file)) _files[Path.Combine(Path.GetDirectoryName(asPath)!, Path.GetFileName(library))] = library;
            else if (withSystem) _files[library] = library;
        }
    }

    /// <summary>Adds a file under a path of the image.</summary>
    /// <exception cref="RuntimeException">It is not there.</exception>
    public void Add(string file, string asPath)
    {
        if (!File.Exists(file)) throw new RuntimeException($"there is no {file} to make an image of: build it first");
        _files[asPath] = file;
    }

    /// <summary>Leaves out what a layer below has under the same path.</summary>
    public void LeaveOut(ImageContents below)
    {
        foreach (var path in below._files.Keys) _files.Remove(path);
    }

    /// <summary>A digest of all paths and bytes, short enough for a tag.</summary>
    public string Hash() => TagOf(LayerDigest());

    /// <summary>A layer's digest, short enough for a tag.</summary>
    public static string TagOf(string digest) => digest["sha256:".Length..][..16];

    /// <summary>The digest of what <see cref="WriteTo"/> writes, as in <c>sha256:9f86…</c>: an image knows its layer by it.</summary>
    public string LayerDigest()
    {
        using var hash = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write)) WriteTo(stream);
        return $"sha256:{Convert.ToHexStringLower(hash.Hash!)}";
    }

    /// <inheritdoc/>
    public void WriteTo(Stream tar)
    {
        using var writer = new TarWriter(tar, TarEntryFormat.Ustar, leaveOpen: true);
        if (IsBase) writer.WriteEntry(new UstarTarEntry(TarEntryType.Directory, "tmp/") { Mode = AnybodyMayWrite, ModificationTime = DateTimeOffset.UnixEpoch });
        foreach (var (path, file) in _files)
        {
            using var data = File.OpenRead(file);
            Write(path, Executable, data);
        }

        foreach (var (path, text) in Configuration)
        {
            using var data = new MemoryStream(Encoding.UTF8.GetBytes(text));
            Write(path, Readable, data);
        }

        void Write(string path, UnixFileMode mode, Stream data) => writer.WriteEntry(
            new UstarTarEntry(TarEntryType.RegularFile, path.TrimStart('/')) { Mode = mode, ModificationTime = DateTimeOffset.UnixEpoch, DataStream = data });
    }

    private (string Path, string Text)[] Configuration => IsBase ? LoaderConfiguration : [];
}
