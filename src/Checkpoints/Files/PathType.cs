using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>What kind of thing stands under a path, by one call: what .NET asks first brings the path into shape, which takes two milliseconds of a first load.</summary>
internal static class PathType
{
    /// <summary>Whether it is a folder, or a link to one.</summary>
    public static bool IsFolder(string path) => Of(path) == Libc.TypeFolder;

    /// <summary>The length of a file, or of what a link to one leads to; 0 where there is none.</summary>
    public static unsafe long LengthOf(string path)
    {
        var found = stackalloc byte[Libc.StatBytes];
        // SAFETY: as below.
        if (Libc.statx(Libc.AtCurrentDirectory, path, 0, Libc.StatType | Libc.StatLength, found) != 0) return 0;
        return (*(ushort*)(found + Libc.StatModeAt) & Libc.TypeMask) == Libc.TypeFile ? *(long*)(found + Libc.StatLengthAt) : 0;
    }

    /// <summary>The number of the user to whom something belongs; null where nothing is, or nobody may look.</summary>
    public static unsafe uint? OwnerOf(string path)
    {
        var found = stackalloc byte[Libc.StatBytes];
        // SAFETY: as below.
        return Libc.statx(Libc.AtCurrentDirectory, path, Libc.NotThroughLinks, Libc.StatUser, found) == 0 ? *(uint*)(found + Libc.StatUserAt) : null;
    }

    /// <summary>The path without links, as the kernel knows it; as it is given where nothing is, or nobody may look.</summary>
    public static string RealPath(string path)
    {
        var descriptor = Libc.open(path, Libc.OpenPath | Libc.OpenCloseOnExec);
        if (descriptor < 0) return path;
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        return new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget ?? path;
    }

    /// <summary>One of the types of <c>st_mode</c>; 0 where nothing is, or nobody may look.</summary>
    public static unsafe int Of(string path, int flags = 0)
    {
        var found = stackalloc byte[Libc.StatBytes];
        // SAFETY: the kernel writes a struct statx, which has 256 bytes, and only where it returns 0.
        return Libc.statx(Libc.AtCurrentDirectory, path, flags, Libc.StatType, found) == 0 ? *(ushort*)(found + Libc.StatModeAt) & Libc.TypeMask : 0;
    }
}
