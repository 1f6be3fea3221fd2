using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace Loadline.Harness.Runtimes;

/// <summary>The C and C++ libraries of this machine, whose age decides what can run outside of a container.</summary>
internal static class HostLibraries
{
    private const int PieceBytes = 64 << 10;

    /// <summary>Pieces overlap by it, so that none is cut in all of them.</summary>
    private const int LongestVersionBytes = 32;

    /// <summary>What TorchSharp's native part was linked against: Debian 13 and Ubuntu 24.04 have it, Debian 12 and Ubuntu 22.04 do not.</summary>
    public static readonly Version NeededByTorchSharp = new(3, 4, 32);

    /// <summary>As in 2.36; null where the C library is another one.</summary>
    public static string? Glibc
    {
        get
        {
            try
            {
                return Marshal.PtrToStringUTF8(gnu_get_libc_version());
            }
            catch (EntryPointNotFoundException)
            {
                return null;
            }
        }
    }

    /// <summary>The newest symbol version that libstdc++ has, as in 3.4.30; null where there is no libstdc++.</summary>
    public static Version? Libstdcxx { get; } = NewestOf(LoadedLibrary("libstdc++.so.6"));

    /// <summary>Why TorchSharp cannot run on this machine itself; null where it can.</summary>
    public static string? WhyNoTorchSharp() => WhyNoTorchSharp(Libstdcxx);

    /// <summary><see cref="WhyNoTorchSharp()"/>, for a libstdc++ of that version.</summary>
    internal static string? WhyNoTorchSharp(Version? libstdcxx) => libstdcxx >= NeededByTorchSharp
        ? null
        : $"TorchSharp needs a libstdc++ with GLIBCXX_{NeededByTorchSharp} (Debian 13, Ubuntu 24.04), and this machine has {(libstdcxx is null ? "none" : $"GLIBCXX_{libstdcxx}")}: use --runtime docker";

    /// <summary>The newest GLIBCXX version among a library's symbol versions.</summary>
    internal static Version? NewestOf(string? file)
    {
        if (file is null) return null;
        using var handle = File.OpenHandle(file);
        // In pieces: the whole library, as bytes and as text, would be the most that the tool holds.
        var piece = new byte[PieceBytes];
        int? newest = null;
        for (long at = 0; RandomAccess.Read(handle, piece, at) is > 0 and var read; at += read > LongestVersionBytes ? read - LongestVersionBytes : read)
        {
            for (ReadOnlySpan<byte> rest = piece.AsSpan(0, read); rest.IndexOf(VersionPrefix) is >= 0 and var start;)
            {
                rest = rest[(start + VersionPrefix.Length)..];
                if (Utf8Parser.TryParse(rest, out ushort number, out _)) newest = Math.Max(newest ?? 0, number);
            }
        }

        return newest is { } found ? new Version(3, 4, found) : null;
    }

    private static ReadOnlySpan<byte> VersionPrefix => "GLIBCXX_3.4."u8;

    // The dynamic loader knows its place; a line of maps ends in it.
    private static string? LoadedLibrary(string name)
    {
        if (!NativeLibrary.TryLoad(name, out _)) return null;
        return File.ReadLines("/proc/self/maps")
            .Select(line => line.IndexOf('/') is >= 0 and var start ? line[start..] : "")
            .FirstOrDefault(file => Path.GetFileName(file).StartsWith(name, StringComparison.Ordinal));
    }

    [DllImport("libc")]
    private static extern nint gnu_get_libc_version();
}
