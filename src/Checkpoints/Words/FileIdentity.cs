namespace Loadline.Checkpoints;

/// <summary>Which file stands under a path, by whatever name, and since when it is as it is.</summary>
/// <param name="File">Its file system and its number there.</param>
/// <param name="Changed">The time of the last change of anything of it, which no program can set (<c>stx_ctime</c>).</param>
internal sealed record FileIdentity(string File, string Changed)
{
    /// <summary>Links are followed; null where nothing is there.</summary>
    public static unsafe FileIdentity? Of(string path)
    {
        var found = stackalloc byte[Libc.StatBytes];
        // SAFETY: the kernel writes a struct statx, which has 256 bytes, and only where it returns 0; the places in it are those of statx(2).
        if (Libc.statx(Libc.AtCurrentDirectory, path, 0, Libc.StatFile | Libc.StatChanged, found) != 0) return null;
        return new FileIdentity(
            FormattableString.Invariant($"{*(uint*)(found + Libc.StatDeviceAt)}:{*(uint*)(found + Libc.StatDeviceAt + 4)}:{*(ulong*)(found + Libc.StatFileAt)}"),
            FormattableString.Invariant($"{*(long*)(found + Libc.StatChangedAt)}.{*(uint*)(found + Libc.StatChangedAt + 8)}"));
    }
}
