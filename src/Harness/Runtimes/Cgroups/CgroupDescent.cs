using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Harness.Runtimes.Cgroups;

/// <summary>
/// The cgroups below one. A program may make them inside of each other by the thousand, more than a path or a call stack has room for, by names that are no text,
/// and forbid others to look into them. So the way down is by descriptors and bytes, one at a time, and the way up by "..".
/// </summary>
internal static class CgroupDescent
{
    private const uint OfOwner = 0x1c0;

    /// <summary>Visits all that can be seen; one that is gone meanwhile is passed over.</summary>
    /// <param name="top">Where to begin; it is not visited itself.</param>
    /// <param name="visit">Gets a path to each, which is short and good for the time of the call.</param>
    public static void Visit(string top, Action<string> visit) => Walk(top, visit, removes: false);

    /// <summary>Removes all that nothing runs in, deepest first.</summary>
    /// <param name="top">Where to begin; it is not removed itself.</param>
    public static void Remove(string top) => Walk(top, visit: null, removes: true);

    private static void Walk(string top, Action<string>? visit, bool removes)
    {
        if (Open(Libc.AtCurrentDirectory, Terminated(System.Text.Encoding.UTF8.GetBytes(top))) is not { } at) return;
        try
        {
            var levels = new Stack<Level>();
            levels.Push(new Level([], NamesIn(at)));
            while (levels.TryPeek(out var level))
            {
                if (level.Below.TryPop(out var name))
                {
                    if ((removes && TryRemove(at, name)) || Open(Number(at), name) is not { } below) continue;
                    at.Dispose();
                    at = below;
                    visit?.Invoke(PathOf(at));
                    levels.Push(new Level(name, NamesIn(at)));
                    continue;
                }

                levels.Pop();
                if (levels.Count == 0 || Open(Number(at), Terminated(".."u8)) is not { } above) return;
                at.Dispose();
                at = above;
                if (removes) TryRemove(at, level.Name);
            }
        }
        finally
        {
            at.Dispose();
        }
    }

    private static unsafe SafeFileHandle? Open(int folder, byte[] name)
    {
        // SAFETY: of these calls, each reads a text that ends with a zero.
        fixed (byte* text = name)
        {
            var descriptor = Libc.openat(folder, text, Libc.OpenReadOnly | Libc.OpenCloseOnExec | Libc.OpenFolder);
            // Whoever made it as our user took the permission away, and it is ours to give back.
            if (descriptor < 0 && Marshal.GetLastPInvokeError() == Libc.PermissionDenied && Libc.fchmodat(folder, text, OfOwner, 0) == 0)
                descriptor = Libc.openat(folder, text, Libc.OpenReadOnly | Libc.OpenCloseOnExec | Libc.OpenFolder);
            if (descriptor < 0) return null;
            var opened = new SafeFileHandle(descriptor, ownsHandle: true);
            // Without the permission to search it opens, and nothing in it does.
            if (!MaySearch(opened)) _ = Libc.fchmod(opened, OfOwner);
            return opened;
        }
    }

    private static unsafe bool MaySearch(SafeFileHandle folder)
    {
        // SAFETY: the literal ends with a zero.
        fixed (byte* itself = "."u8)
        {
            var descriptor = Libc.openat(Number(folder), itself, Libc.OpenReadOnly | Libc.OpenCloseOnExec | Libc.OpenFolder);
            if (descriptor < 0) return Marshal.GetLastPInvokeError() != Libc.PermissionDenied;
            new SafeFileHandle(descriptor, ownsHandle: true).Dispose();
            return true;
        }
    }

    // The kernel refuses one in which something runs, or that has others in it.
    private static unsafe bool TryRemove(SafeFileHandle folder, byte[] name)
    {
        // SAFETY: the name ends with a zero.
        fixed (byte* text = name) return Libc.unlinkat(Number(folder), text, Libc.AtRemoveFolder) == 0;
    }

    private static unsafe Stack<byte[]> NamesIn(SafeFileHandle folder)
    {
        const int lengthAt = 16, typeAt = 18, nameAt = 19;
        const byte isFolder = 4;
        var names = new Stack<byte[]>();
        var entries = stackalloc byte[4096];
        for (long count; (count = Libc.syscall(Libc.GetEntries, Number(folder), entries, 4096)) > 0;)
        {
            // SAFETY: the kernel wrote `count` bytes of entries, each as long as it says, with a name that ends with a zero inside of it.
            for (long i = 0; i < count; i += *(ushort*)(entries + i + lengthAt))
            {
                var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entries + i + nameAt);
                if (entries[i + typeAt] == isFolder && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)) names.Push(Terminated(name));
            }
        }

        return names;
    }

    private static byte[] Terminated(ReadOnlySpan<byte> text) => [.. text, 0];

    private static int Number(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    private static string PathOf(SafeFileHandle handle) => "/proc/self/fd/" + Number(handle).ToString(CultureInfo.InvariantCulture);

    /// <summary>A cgroup on the way down.</summary>
    /// <param name="Name">Its name, with a zero at its end.</param>
    /// <param name="Below">The names of those in it that are still to be visited.</param>
    private sealed record Level(byte[] Name, Stack<byte[]> Below);
}
