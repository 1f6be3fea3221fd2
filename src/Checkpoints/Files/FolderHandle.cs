using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>
/// A folder by its descriptor: who may write to the one above it can put a link where its name was, and what is removed by that name would be what the link leads to.
/// </summary>
internal sealed class FolderHandle : IDisposable
{
    private readonly SafeFileHandle _handle;

    private FolderHandle(SafeFileHandle handle) => _handle = handle;

    /// <summary>A path to it that nobody else can change, good until this is disposed.</summary>
    public string Path => "/proc/self/fd/" + _handle.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);

    /// <summary>Where it stands by now, through no link.</summary>
    public string? FullName => new FileInfo(Path).LinkTarget;

    /// <summary>Opens a folder; null where there is none under the very name, which may be a link's.</summary>
    /// <exception cref="IOException">It is there, and cannot be opened.</exception>
    public static FolderHandle? TryOpen(string path)
    {
        var descriptor = Libc.open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec | Libc.OpenFolder);
        if (descriptor >= 0) return new FolderHandle(new SafeFileHandle(descriptor, ownsHandle: true));
        return Marshal.GetLastPInvokeError() is Libc.NoSuchEntry or Libc.NotADirectory or Libc.TooManyLinks
            ? null
            : throw new IOException($"{path}: cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>Whether it stands under a name, and no link that leads to it.</summary>
    public bool StandsAt(string path)
    {
        using var there = TryOpen(path);
        return there is not null && FileIdentity.Of(there.Path)?.File == FileIdentity.Of(Path)?.File;
    }

    public void Dispose() => _handle.Dispose();
}
