using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>
/// Small reads all over a file that is on its disk only. One after the other, each would wait for the disk; and the page that each leaves in the page
/// cache would later make the kernel read what lies around it page by page, where it takes large folios in a file of which nothing is cached: a fifth of
/// the disk's rate (benchmarks/peers). So a few hundred are asked for at once, and let go of once they were read.
/// </summary>
internal static class ScatteredReads
{
    /// <summary>How many to ask for at once: a page each, and a few between them, which no cap will miss.</summary>
    public const int AtOnce = 256;

    private const int FewestSamples = 8;
    private const int MostSamples = 16;

    /// <summary>
    /// Whether less than half of the places are cached, as far as the kernel says so without waiting. What is cached may be somebody else's, and is left to
    /// them. Half, and not none: some pages are there because the file was opened.
    /// </summary>
    public static bool AreOnDisk(SafeFileHandle file, ReadOnlySpan<long> positions)
    {
        if (positions.Length < FewestSamples) return false;
        var samples = Math.Min(positions.Length, MostSamples);
        var cached = 0;
        for (var i = 0; i < samples; i++)
        {
            var position = positions[(int)((long)i * positions.Length / samples)];
            // The second question begins to read, and on a busy machine a page has come before it is answered.
            if (MayBeResident(file, position) && IsCached(file, position)) cached++;
        }

        return cached < samples / 2;
    }

    /// <summary>Asks for up to <see cref="AtOnce"/> places, and waits for none.</summary>
    public static void Begin(SafeFileHandle file, ReadOnlySpan<long> positions, int bytes)
    {
        for (var i = 0; i < positions.Length;)
        {
            var (start, end) = (positions[i], positions[i] + bytes);
            while (++i < positions.Length && positions[i] >= end && positions[i] - end <= ReadSizes.LargestHeaderGapBytes) end = positions[i] + bytes;
            _ = Libc.posix_fadvise(file, start, end - start, Libc.FileAdviceWillNeed);
        }
    }

    /// <summary>Lets the page cache forget them, and what lies between them. In one call, because each waits until all processors' new pages are known.</summary>
    public static void LetGo(SafeFileHandle file, ReadOnlySpan<long> positions, int bytes)
    {
        var (first, last) = (long.MaxValue, 0L);
        foreach (var position in positions) (first, last) = (Math.Min(first, position), Math.Max(last, position + bytes));
        var page = Environment.SystemPageSize;
        first = first / page * page;
        _ = Libc.posix_fadvise(file, first, (last + page - 1) / page * page - first, Libc.FileAdviceDontNeed);
    }

    // To those who neither own a file nor may write it, each of its pages is said to be there.
    private static unsafe bool MayBeResident(SafeFileHandle file, long position)
    {
        var page = Environment.SystemPageSize;
        var address = Libc.mmap(0, (nuint)page, Libc.ProtRead, Libc.MapPrivate, file.DangerousGetHandle().ToInt32(), position / page * page);
        if (address == -1) return true;
        byte resident;
        // SAFETY: nobody reads or writes the page, wherever the file ends by now, and the kernel writes one byte for it, into `resident`.
        var isTold = Libc.mincore(address, (nuint)page, &resident) == 0;
        _ = Libc.munmap(address, (nuint)page);
        return !isTold || (resident & 1) != 0;
    }

    /// <summary>Whether a read of a place would not wait. Where the kernel cannot tell, it counts as cached. To ask begins to read the page, where the kernel allows it.</summary>
    public static unsafe bool IsCached(SafeFileHandle file, long position)
    {
        byte value;
        var vector = new Libc.IoVector { Address = &value, Bytes = 1 };
        try
        {
            // SAFETY: the kernel writes at most one byte, into `value`, before the call returns.
            return Libc.preadv2(file, &vector, 1, position, Libc.ReadNoWait) >= 0 || Marshal.GetLastPInvokeError() != Libc.TryAgain;
        }
        catch (EntryPointNotFoundException)
        {
            return true;
        }
    }
}
