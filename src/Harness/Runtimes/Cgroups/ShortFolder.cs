using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>
/// A folder under a path that every call takes: a program may make cgroups inside of each other until their path is longer than the kernel takes in one
/// (PATH_MAX, 4096 bytes), and what it left has to be removed all the same.
/// </summary>
internal sealed class ShortFolder : IDisposable
{
    /// <summary>From here on a path has another way: what is below it has room for a name of 255 bytes and more.</summary>
    public const int LongPath = 3000;

    private readonly SafeFileHandle? _handle;

    /// <exception cref="IOException">It is not there, or there are no descriptors left.</exception>
    public ShortFolder(string folder)
    {
        Path = folder;
        if (folder.Length < LongPath) return;
        var descriptor = Libc.open(folder, Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        if (descriptor < 0) throw new IOException("a cgroup that lies deep in others cannot be opened");
        _handle = new SafeFileHandle(descriptor, ownsHandle: true);
        Path = "/proc/self/fd/" + descriptor.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Its path, good until this is disposed.</summary>
    public string Path { get; }

    public void Dispose() => _handle?.Dispose();
}
