using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Gauges;

/// <summary>Asks mincore(2) which pages of a file are in the page cache.</summary>
internal static unsafe class ResidencyMap
{
    private const int PagesPerCall = 16 * 1024;

    // A file of hundreds of GiB is not to be walked page by page before a load begins.
    private const int SampledPages = 1024;

    /// <summary>Every page but those of holes, which no disk is needed for; or an estimate from pages all over a file of more than 64 MiB.</summary>
    public static PageResidency Read(SafeFileHandle file, string path, bool sampled)
    {
        var fileBytes = RandomAccess.GetLength(file);
        if (fileBytes == 0) return new PageResidency(0, 0);

        // Since Linux 5.2 mincore calls every page of a file resident to those who neither own it nor may write it. A page behind its
        // end never is: whoever is told so learns nothing. The gap is wider than any folio, which might reach over the end.
        if (fileBytes > long.MaxValue - ByteSize.GiB) throw new GaugeException(path, $"has {fileBytes} bytes, more than can be mapped");
        var behind = (fileBytes | (ByteSize.GiB - 1)) + 1;
        if (CountResidentBytes(file, path, behind, bytes: 1, step: 1) > 0) return new PageResidency(fileBytes, null);
        var pages = fileBytes / Environment.SystemPageSize;
        var step = sampled && pages > PagesPerCall ? pages / SampledPages : 1;
        var resident = step > 1 ? step * CountResidentBytes(file, path, 0, fileBytes, step) : OfData(file, path, fileBytes);
        return new PageResidency(fileBytes, Math.Min(fileBytes, resident));
    }

    // A hole takes no disk to be read, and a file may have more of it than a process has time for.
    private static long OfData(SafeFileHandle file, string path, long fileBytes)
    {
        var (resident, pageBytes) = (0L, (long)Environment.SystemPageSize);
        for (long start = 0, end; start < fileBytes; start = end)
        {
            var data = Libc.lseek(file, start, Libc.SeekData);
            if (data < 0 && Marshal.GetLastPInvokeError() == Libc.NoSuchDeviceOrAddress) return resident;
            // Where nobody can tell, all is data.
            start = Math.Max(start, data);
            // It has grown meanwhile.
            if (start >= fileBytes) return resident;
            // Blocks may be smaller than pages: each page once.
            var hole = Libc.lseek(file, start, Libc.SeekHole);
            end = hole > start && hole < fileBytes ? Math.Min(fileBytes, (hole + pageBytes - 1) / pageBytes * pageBytes) : fileBytes;
            start = start / pageBytes * pageBytes;
            resident += CountResidentBytes(file, path, start, end - start, step: 1);
        }

        return resident;
    }

    // All pages, or one of each `step`.
    // SAFETY: the mapping is never read or written, so that no page of it can fault, wherever the file ends by now. `pages` has a byte for
    // each page of the longest range that one call examines. The caller holds the file open until mmap returns; the mapping outlives it.
    private static long CountResidentBytes(SafeFileHandle file, string path, long offset, long bytes, long step)
    {
        long pageBytes = Environment.SystemPageSize;
        var pagesPerCall = step == 1 ? PagesPerCall : 1;
        var address = Libc.mmap(0, (nuint)bytes, Libc.ProtRead, Libc.MapPrivate, file.DangerousGetHandle().ToInt32(), offset);
        if (address == -1) throw new GaugeException(path, $"cannot be mapped ({Marshal.GetLastPInvokeErrorMessage()})");
        try
        {
            var pages = stackalloc byte[PagesPerCall];
            long resident = 0;
            for (long start = 0; start < bytes; start += pagesPerCall * step * pageBytes)
            {
                var length = Math.Min(pagesPerCall * pageBytes, bytes - start);
                if (Libc.mincore(address + (nint)start, (nuint)length, pages) != 0)
                {
                    throw new GaugeException(path, $"cannot be looked up in the page cache ({Marshal.GetLastPInvokeErrorMessage()})");
                }

                for (long page = 0; page * pageBytes < length; page++)
                {
                    if ((pages[page] & 1) != 0) resident += Math.Min(pageBytes, length - page * pageBytes);
                }
            }

            return resident;
        }
        finally
        {
            _ = Libc.munmap(address, (nuint)bytes);
        }
    }
}
