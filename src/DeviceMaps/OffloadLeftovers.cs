using System.Text.RegularExpressions;
using Loadline.Checkpoints.Files;
using Microsoft.Win32.SafeHandles;

namespace Loadline.DeviceMaps;

/// <summary>What loads left half-written among offloaded weights that were interrupted or killed.</summary>
internal static partial class OffloadLeftovers
{
    // Whoever writes does it at least as often, also on a machine of its own that shares the folder and none of the locks.
    private static readonly TimeSpan Age = TimeSpan.FromHours(1);

    /// <summary>
    /// Removes what nobody has written to for an hour and nobody writes: .NET locks what it writes on a disk of this machine, and the lock goes with the process, in whatever
    /// container. On other machines' disks there is the age alone.
    /// </summary>
    public static void Remove(string folder)
    {
        var files = new EnumerationOptions { IgnoreInaccessible = true };
        foreach (var path in Directory.EnumerateFiles(folder, "*" + PendingPath.Extension, files).Where(path => Pending().IsMatch(Path.GetFileName(path))))
        {
            if (PathType.Of(path, Libc.NotThroughLinks) != Libc.TypeFile || DateTime.UtcNow - File.GetLastWriteTimeUtc(path) < Age) continue;
            using var handle = Open(path);
            if (handle is not null && Libc.flock(handle, Libc.LockExclusive | Libc.LockNonBlocking) == 0) TryDelete(path);
        }
    }

    private static SafeFileHandle? Open(string path)
    {
        var descriptor = Libc.open(path, Libc.OpenReadWrite | Libc.OpenCloseOnExec | Libc.OpenNoLink | Libc.OpenNonBlocking);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    // Another user's is theirs to remove.
    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    // As OffloadIdentity begins a name, and PendingPath ends it.
    [GeneratedRegex(@"^[0-9a-f]{32}\.[a-z.]+\.[0-9a-f]{16}\.partial\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pending();
}
