using System.Text.RegularExpressions;
using Loadline.Checkpoints.Files;
using Microsoft.Win32.SafeHandles;

namespace Loadline.DeviceMaps;

/// <summary>
/// Who writes into an offload folder holds a lock on it, which goes with the process, however it ends and in whatever container. So what a kill or an interrupt
/// left half-written is told from what another load is writing, and removed.
/// </summary>
internal static partial class OffloadLock
{
    // Whoever removes has it for moments.
    private const int Tries = 100;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Removes what nobody writes any more; nothing while somebody writes, or where the file system knows no locks.</summary>
    public static void RemoveLeft(string folder)
    {
        using var handle = Open(folder);
        if (handle is null || Libc.flock(handle, Libc.LockExclusive | Libc.LockNonBlocking) != 0) return;
        foreach (var path in Directory.EnumerateFiles(folder, "*" + PendingPath.Extension).Where(path => Pending().IsMatch(Path.GetFileName(path)))) TryRemove(path);
    }

    /// <summary>Keeps others from removing what is written until this is disposed.</summary>
    public static IDisposable? Share(string folder)
    {
        var handle = Open(folder);
        for (var i = 0; handle is not null && i < Tries && Libc.flock(handle, Libc.LockShared | Libc.LockNonBlocking) != 0; i++) Thread.Sleep(Pause);
        return handle;
    }

    private static SafeFileHandle? Open(string folder)
    {
        var descriptor = Libc.open(folder, Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    // Another user's is theirs to remove.
    private static void TryRemove(string path)
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
