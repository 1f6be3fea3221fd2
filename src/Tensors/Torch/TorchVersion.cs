using System.Runtime.InteropServices;

namespace Loadline.Tensors.Torch;

/// <summary>Which libtorch a file is. Newer ones say so themselves; of the others, the files about them do.</summary>
internal static class TorchVersion
{
    private const string WheelLine = "__version__ = '";

    /// <summary>What the loaded library says; null of those that cannot say it.</summary>
    public static unsafe string? Of(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "aoti_torch_abi_version", out var function)) return null;
        // From the highest byte on: major, minor, patch.
        var version = ((delegate* unmanaged<ulong>)function)();
        return $"{version >> 56}.{version >> 48 & 0xFF}.{version >> 40 & 0xFF}";
    }

    /// <summary>What can be told without loading it: by its own name, by the archive's or the wheel's files beside it, or by its package's folder.</summary>
    public static string? Of(string file)
    {
        var name = Path.GetFileName(File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? file);
        if (name.StartsWith(TorchSearch.FileName + ".", StringComparison.Ordinal)) return name[(TorchSearch.FileName.Length + 1)..];

        var above = Path.GetDirectoryName(Path.GetDirectoryName(file)) ?? "/";
        return Line(Path.Combine(above, "build-version"), "")
            ?? Line(Path.Combine(above, "version.py"), WheelLine)?.TrimEnd('\'')
            ?? Package(file.Split('/'));
    }

    private static string? Line(string file, string start) =>
        File.Exists(file) ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal))?[start.Length..].Trim() : null;

    // .../libtorch-cpu-linux-x64/2.7.1.0/runtimes/linux-x64/native/libtorch_cpu.so; the fourth part is the package's own.
    private static string? Package(string[] path) =>
        path is [.., var package, var version, "runtimes", _, "native", _] && package.StartsWith("libtorch-", StringComparison.Ordinal) && Version.TryParse(version, out var number)
            ? number.ToString(3)
            : null;
}
