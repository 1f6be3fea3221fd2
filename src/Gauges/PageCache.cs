using System.IO.Enumeration;
using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Gauges;

/// <summary>How much of a file, or of the files of a folder, the page cache holds.</summary>
/// <param name="FileBytes">The length.</param>
/// <param name="ResidentBytes">Bytes in the page cache; null where the kernel does not say: it tells only a file's owner or writer.</param>
public readonly record struct PageResidency(long FileBytes, long? ResidentBytes)
{
    /// <summary>Whether it is known that no page is cached, so that a load has to read the disk.</summary>
    public bool IsCold => ResidentBytes == 0;
}

/// <summary>Evicts files from the page cache, and looks whether they are gone, so that a measured load is cold and says so.</summary>
public static class PageCache
{
    private const int Probes = 64;

    /// <summary>
    /// Asks the kernel to drop the pages of a file, or of all files in a folder and below, and tells what is left. Pages that some process
    /// has mapped, or that lie on tmpfs, stay: the kernel ignores the request, and only the answer shows it.
    /// </summary>
    /// <exception cref="GaugeException">A file cannot be opened, synced or evicted.</exception>
    public static PageResidency Evict(string path)
    {
        ForEachFile(path, static (file, path) =>
        {
            // Pages that are not yet on disk would be passed over.
            RandomAccess.FlushToDisk(file);
            var error = Libc.posix_fadvise(file, 0, 0, Libc.FileAdviceDontNeed);
            if (error != 0) throw new GaugeException(path, $"cannot be evicted ({Marshal.GetPInvokeErrorMessage(error)})");
            return default;
        });
        return Residency(path);
    }

    /// <summary>How much of a file, or of all files in a folder and below, is in the page cache. Reads no page.</summary>
    /// <exception cref="GaugeException">A file cannot be opened or mapped.</exception>
    public static PageResidency Residency(string path) => ForEachFile(path, static (file, path) => ResidencyMap.Read(file, path, sampled: false));

    /// <summary>
    /// The same, estimated: from a thousand places of each file of more than 64 MiB, in a millisecond, however long the file is; and of a file whose pages the
    /// kernel tells this process nothing of, from whether reads at 64 places would have to wait.
    /// </summary>
    /// <exception cref="GaugeException">A file cannot be opened or mapped.</exception>
    public static PageResidency SampledResidency(string path) => ForEachFile(path, static (file, path) =>
        ResidencyMap.Read(file, path, sampled: true) is { ResidentBytes: not null } told ? told : Probed(file));

    /// <summary>An estimate that anyone may make who may read. Each question can bring a page into the page cache.</summary>
    internal static PageResidency Probed(SafeFileHandle file)
    {
        _ = Libc.posix_fadvise(file, 0, 0, Libc.FileAdviceRandom);
        var (bytes, cached) = (RandomAccess.GetLength(file), 0);
        for (var i = 0; i < Probes; i++)
        {
            if (ScatteredReads.IsCached(file, bytes / Probes * i)) cached++;
        }

        return new PageResidency(bytes, bytes * cached / Probes);
    }

    /// <summary>Links to files are followed, as the cache of Hugging Face consists of them; links to folders may go round in circles.</summary>
    private static IEnumerable<string> FilesBelow(string folder) => new FileSystemEnumerable<string>(
        folder, static (ref FileSystemEntry entry) => entry.ToFullPath(), new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = default })
    {
        ShouldIncludePredicate = static (ref FileSystemEntry entry) => !entry.IsDirectory,
        ShouldRecursePredicate = static (ref FileSystemEntry entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
    };

    private static bool HasLength(SafeFileHandle file)
    {
        try
        {
            return RandomAccess.GetLength(file) > 0;
        }
        catch (NotSupportedException)
        {
            return false;
        }
    }

    private static PageResidency ForEachFile(string path, Func<SafeFileHandle, string, PageResidency> read)
    {
        try
        {
            var total = new PageResidency(0, 0);
            foreach (var name in Directory.Exists(path) ? FilesBelow(path) : [path])
            {
                // A pipe or a device among the files has no pages, and is nobody's checkpoint. To open one would already do something: a writer that waits at a pipe goes on.
                if (PathType.Of(name) is not (0 or Libc.TypeFile)) continue;
                using var file = FileReads.OpenForReading(name);
                if (!HasLength(file)) continue;
                var one = read(file, name);
                total = new PageResidency(total.FileBytes + one.FileBytes, total.ResidentBytes + one.ResidentBytes);
            }

            return total;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CheckpointException)
        {
            throw new GaugeException(path, $"cannot be evicted or examined ({e.Message})", e);
        }
    }
}
