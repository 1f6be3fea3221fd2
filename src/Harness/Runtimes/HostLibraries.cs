using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Loadline.Harness.Runtimes;

/// <summary>The C and C++ libraries of this machine, whose age decides what can run outside of a container.</summary>
internal static partial class HostLibraries
{
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
    internal static Version? NewestOf(string? file) => file is null
        ? null
        : SymbolVersion().Matches(Encoding.Latin1.GetString(File.ReadAllBytes(file)))
            .Select(match => new Version(3, 4, int.Parse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture)))
            .Max();

    // The dynamic loader knows its place; a line of maps ends in it.
    private static string? LoadedLibrary(string name)
    {
        if (!NativeLibrary.TryLoad(name, out _)) return null;
        return File.ReadLines("/proc/self/maps")
            .Select(line => line.IndexOf('/') is >= 0 and var start ? line[start..] : "")
            .FirstOrDefault(file => Path.GetFileName(file).StartsWith(name, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"GLIBCXX_3\.4\.(\d{1,3})")]
    private static partial Regex SymbolVersion();

    [DllImport("libc")]
    private static extern nint gnu_get_libc_version();
}
