using System.Formats.Tar;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;

namespace Loadline.Harness.Runtimes.Images;

/// <summary>
/// An image as one file, with no daemon: OCI's layout (image-spec, image-layout.md), and beside it the list that Docker's archives had before they were
/// OCI's, both over the same blobs, as <c>docker save</c> writes them since Docker 25. The same files give the same archive, byte for byte.
/// </summary>
/// <param name="Name">What it is called where it is loaded.</param>
/// <param name="Digest">Of its manifest, by which a registry would know it if nobody compressed its layers.</param>
/// <param name="Bytes">The archive's size.</param>
internal sealed record ImageArchive(ImageName Name, string Digest, long Bytes)
{
    /// <summary>Writes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">As <see cref="ImageName.ProblemOf"/> lets it pass. Without a tag it gets one of its contents: another worker is another image.</param>
    /// <param name="image">What is in it.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static ImageArchive Write(string path, string name, EngineImage image)
    {
        var layers = new List<Blob>();
        try
        {
            foreach (var layer in image.Layers) layers.Add(Blob.Of(layer, path));
            ImageArchive? archive = null;
            WholeFile.Write(path, layers.Sum(layer => layer.Bytes.Length), stream => archive = Write(stream, name, image.Settings, layers));
            return archive!;
        }
        finally
        {
            layers.ForEach(layer => layer.Dispose());
        }
    }

    /// <summary>Whether a file is empty or such an archive, and so may be replaced by another.</summary>
    /// <exception cref="CheckpointException">It cannot be read.</exception>
    public static bool IsOne(string path)
    {
        using var handle = SourceFile.OpenHandle(path);
        if (FileVersion.Of(path, handle).Bytes == 0) return true;
        // All of how it begins, to the byte: another archive may have folders of these names, and a text these letters.
        var expected = Start();
        using var file = new FileStream(handle, FileAccess.Read);
        var start = new byte[expected.Length];
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.AsSpan().SequenceEqual(expected);
    }

    private static byte[] Start()
    {
        var stream = new MemoryStream();
        // What ends an archive is written when the writer is let go.
        using var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true);
        AddFolders(tar);
        return stream.ToArray();
    }

    private static ImageArchive Write(Stream stream, string name, ImageSettings settings, List<Blob> layers)
    {
        using var config = OciDocuments.Config(settings, layers);
        using var manifest = OciDocuments.Manifest(config, layers);
        var tagged = ImageName.Parse(name, otherwise: config.Hex[..16]);
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            AddFolders(tar);
            var blobs = layers.Append(config).Append(manifest).OrderBy(blob => blob.Hex, StringComparer.Ordinal).DistinctBy(blob => blob.Hex);
            foreach (var blob in blobs) Add(tar, blob.Path, blob.Bytes);
            Add(tar, "index.json", new MemoryStream(OciDocuments.Index(manifest, tagged)));
            Add(tar, "manifest.json", new MemoryStream(OciDocuments.DockerList(config, layers, tagged)));
            Add(tar, "oci-layout", new MemoryStream(OciDocuments.Layout));
        }

        return new ImageArchive(tagged, manifest.Digest, stream.Position);
    }

    private static void AddFolders(TarWriter tar)
    {
        AddFolder(tar, "blobs/");
        AddFolder(tar, "blobs/sha256/");
    }

    private static void AddFolder(TarWriter tar, string path) => tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, path)
    {
        Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute,
        ModificationTime = DateTimeOffset.UnixEpoch,
    });

    private static void Add(TarWriter tar, string path, Stream bytes) => tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, path)
    {
        Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
        ModificationTime = DateTimeOffset.UnixEpoch,
        DataStream = bytes,
    });
}
