using System.Diagnostics;

namespace Loadline.Harness.Runtimes.Images;

/// <summary>The shared libraries of this machine that a program loads, as its dynamic loader finds them.</summary>
internal static class SharedLibraries
{
    // .NET opens these by name when something is hashed, so that no program's headers list them.
    private static readonly string[] OpenedLater = ["libssl.so.3", "libcrypto.so.3"];

    /// <summary>Absolute paths, the loader's own among them; none for a static program.</summary>
    /// <exception cref="RuntimeException">One is missing on this machine.</exception>
    public static async Task<IReadOnlyList<string>> OfAsync(string program, CancellationToken cancellation)
    {
        var needed = new SortedSet<string>(Parse(program, await ListAsync(program, cancellation)), StringComparer.Ordinal);
        var folders = needed.Select(path => Path.GetDirectoryName(path)!).Distinct().ToList();
        var later = OpenedLater.SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).Where(File.Exists).ToList();
        foreach (var library in later) needed.UnionWith(Parse(library, await ListAsync(library, cancellation)).Append(library));
        return [.. needed];
    }

    /// <summary>Reads what <c>ldd</c> printed: "name => path (address)", or "path (address)" for the loader.</summary>
    public static IEnumerable<string> Parse(string program, string listing)
    {
        foreach (var line in listing.Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.EndsWith("=> not found", StringComparison.Ordinal))
                throw new RuntimeException($"{program} needs {line.Split(' ')[0]}, which this machine lacks: install it");
            var path = line.Split(" => ")[^1].Split(" (")[0];
            // Whatever is no path (linux-vdso, "statically linked") is no file.
            if (path.StartsWith('/') && line.Contains(" (0x", StringComparison.Ordinal)) yield return path;
        }
    }

    private static async Task<string> ListAsync(string program, CancellationToken cancellation)
    {
        try
        {
            // The loader's listing is in the user's language otherwise.
            using var ldd = Process.Start(new ProcessStartInfo("ldd", [program])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment = { ["LC_ALL"] = "C" },
            })!;
            var errors = ldd.StandardError.ReadToEndAsync(cancellation);
            var listing = await ldd.StandardOutput.ReadToEndAsync(cancellation);
            await errors;
            await ldd.WaitForExitAsync(cancellation);
            // It exits with 1 for a static program, whose list is rightly empty.
            return listing;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new RuntimeException("the worker's libraries cannot be listed: install ldd, or name an image in LOADLINE_IMAGE", e);
        }
    }
}
