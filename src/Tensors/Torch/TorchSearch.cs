using System.Runtime.InteropServices;

namespace Loadline.Tensors.Torch;

/// <summary>Finds the libtorch to use: the one that is loaded already, the one that is named, else the first of the usual places.</summary>
internal static class TorchSearch
{
    /// <summary>Names libtorch's file or the folder it is in.</summary>
    public const string Variable = "LOADLINE_LIBTORCH";

    /// <summary>What it is called, but for the version that Debian adds.</summary>
    public const string FileName = "libtorch_cpu.so";

    /// <summary>For whoever has none.</summary>
    public const string WhatToInstall =
        $"Install libtorch2.6 (Debian 13), PyTorch's wheel in a virtual environment, or the package TorchSharp-cpu, or let {Variable} name a libtorch_cpu.so";

    private static readonly string Runtime = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";
    private static readonly string Debian = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "/usr/lib/aarch64-linux-gnu" : "/usr/lib/x86_64-linux-gnu";

    /// <summary>Looks where it may be, in order. Nothing is loaded.</summary>
    /// <exception cref="EngineUnavailableException">It is nowhere; the message says what to install.</exception>
    public static TorchPlace Find() => Find(Environment.GetEnvironmentVariable, AppContext.BaseDirectory);

    /// <summary><see cref="Find()"/>, for a test that has variables and a program's folder of its own.</summary>
    internal static TorchPlace Find(Func<string, string?> variable, string programFolder)
    {
        // A second libtorch beside the one of TorchSharp would break both.
        if (Loaded() is { } loaded) return At(loaded);
        if (variable(Variable) is { Length: > 0 } named)
        {
            var file = File.Exists(named) ? named : In(named);
            return file is not null ? At(file) : throw new EngineUnavailableException($"{Variable} names {named}, but there is no {FileName}");
        }

        var folder = Folders(variable, programFolder).Select(In).FirstOrDefault(file => file is not null);
        return folder is not null ? At(folder) : throw new EngineUnavailableException($"the engine libtorch finds no libtorch here. {WhatToInstall}");
    }

    /// <summary>Where the package of TorchSharp's libtorch lies, the newest first.</summary>
    internal static IEnumerable<string> PackageFolders(Func<string, string?> variable)
    {
        var packages = variable("NUGET_PACKAGES") ?? Path.Combine(variable("HOME") ?? "/", ".nuget", "packages");
        return Newest(Path.Combine(packages, $"libtorch-cpu-{Runtime}")).Select(version => Path.Combine(version, "runtimes", Runtime, "native"));
    }

    private static TorchPlace At(string file)
    {
        var full = Path.GetFullPath(file);
        return new TorchPlace(full, TorchVersion.Of(full));
    }

    private static string? Loaded() => Loaded(File.ReadLines("/proc/self/maps"));

    /// <summary>The libtorch of a process by its maps: what runs of it, since a checkpoint that is mapped may be called so. A line ends in the file's path.</summary>
    internal static string? Loaded(IEnumerable<string> maps) => maps
        .Where(line => line.Split(' ', 3) is [_, [_, _, 'x', ..], _])
        .Select(line => line.IndexOf('/') is >= 0 and var start ? line[start..] : "")
        .FirstOrDefault(file => Path.GetFileName(file).StartsWith(FileName, StringComparison.Ordinal));

    private static IEnumerable<string> Folders(Func<string, string?> variable, string programFolder)
    {
        yield return programFolder;
        yield return Path.Combine(programFolder, "runtimes", Runtime, "native");

        foreach (var package in PackageFolders(variable)) yield return package;

        yield return Debian;

        foreach (var environment in new[] { variable("VIRTUAL_ENV"), variable("CONDA_PREFIX"), "/usr/local" })
        {
            if (environment is null) continue;
            foreach (var python in Newest(Path.Combine(environment, "lib"), "python3*"))
            {
                yield return Path.Combine(python, "site-packages", "torch", "lib");
                yield return Path.Combine(python, "dist-packages", "torch", "lib");
            }
        }
    }

    private static IEnumerable<string> Newest(string folder, string pattern = "*") => Directory.Exists(folder)
        ? Directory.EnumerateDirectories(folder, pattern).OrderByDescending(Number)
        : [];

    // Debian's file carries its version; the plain name comes with its -dev package only, and is as good.
    private static string? In(string folder) => Directory.Exists(folder)
        ? Directory.EnumerateFiles(folder, FileName + "*").OrderByDescending(Number).FirstOrDefault()
        : null;

    private static Version Number(string path)
    {
        var digits = new string([.. Path.GetFileName(path).SkipWhile(c => !char.IsAsciiDigit(c)).TakeWhile(c => char.IsAsciiDigit(c) || c == '.')]);
        return Version.TryParse(digits, out var version) ? version : new Version(0, 0);
    }
}
