using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>Who may do what with a file or folder, for the one that takes its place: nobody who could not read the old one may read the new.</summary>
/// <param name="Mode">The permissions.</param>
/// <param name="Group">The number of the group that has the group's; null where several have them, or a list says more than the mode does.</param>
internal sealed record Permissions(UnixFileMode Mode, uint? Group)
{
    private const UnixFileMode OfUsers = (UnixFileMode)0b111_111_111;
    private const UnixFileMode OfOthers = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
    private const int GroupShift = 3;
    private const UnixFileMode OfOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OfGroup = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;

    /// <summary>Those of what stands under the path itself; null where it is another thing than asked for, as a link that leads to one.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="type">One of the types of <c>st_mode</c>.</param>
    public static unsafe Permissions? Of(string path, int type)
    {
        var found = stackalloc byte[Libc.StatBytes];
        // SAFETY: the kernel writes a struct statx, which has 256 bytes, and only where it returns 0.
        if (Libc.statx(Libc.AtCurrentDirectory, path, Libc.NotThroughLinks, Libc.StatType | Libc.StatMode | Libc.StatGroup, found) != 0) return null;
        int mode = *(ushort*)(found + Libc.StatModeAt);
        if ((mode & Libc.TypeMask) != type) return null;
        // Of an access control list the group's permissions are the most that anybody named in it has.
        var hasList = Libc.lgetxattr(path, "system.posix_acl_access", null, 0) > 0;
        // No program runs as the owner of a file that is written; what lies in a folder goes on to belong to its group.
        var kept = type == Libc.TypeFolder ? OfUsers | UnixFileMode.SetGroup : OfUsers;
        return hasList ? new Permissions((UnixFileMode)mode & kept & ~(OfGroup | OfOthers), null) : new Permissions((UnixFileMode)mode & kept, *(uint*)(found + Libc.StatGroupAt));
    }

    /// <summary>What all of several files allow; null where there are none.</summary>
    public static Permissions? OfAll(IEnumerable<string> files)
    {
        Permissions? all = null;
        foreach (var file in files)
        {
            if (Of(file, Libc.TypeFile) is not { } one) continue;
            all = all is null ? one : new Permissions(all.Mode & one.Mode, all.Group == one.Group ? one.Group : null);
        }

        return all;
    }

    /// <summary>Gives them to a file that was made for its owner alone. A file system that has none, or allows no change, leaves it so.</summary>
    public void GiveTo(SafeFileHandle file) => Give(file, Mode);

    /// <summary>Gives them to a folder, whose owner has to write into it in any case.</summary>
    public void GiveToFolder(string path)
    {
        using var folder = SourceFile.OpenHandle(path);
        Give(folder, Mode | OfOwner);
    }

    private void Give(SafeFileHandle handle, UnixFileMode mode)
    {
        const uint unchanged = uint.MaxValue;
        if (!(Group is { } group && Libc.fchown(handle, unchanged, group) == 0))
        {
            // Its members are others now, and others may be its members: each may what both might.
            var both = (int)(mode & OfOthers) & ((int)(mode & OfGroup) >> GroupShift);
            mode = (mode & ~(OfGroup | OfOthers)) | (UnixFileMode)(both | (both << GroupShift));
        }

        _ = Libc.fchmod(handle, (uint)mode);
    }
}
