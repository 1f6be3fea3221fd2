using Loadline.Tensors.Torch;

namespace Loadline.Tensors.Engines;

/// <summary>Which libtorch the engine of that name would take, for whoever wants to know before it is loaded.</summary>
public static class Libtorch
{
    /// <summary>The variable that names libtorch's file or folder, and is obeyed before any other place.</summary>
    public const string Variable = TorchSearch.Variable;

    /// <summary>
    /// The folder of the newest package <c>libtorch-cpu-linux-x64</c>, as TorchSharp and the worker for it restore it: it is all of libtorch, so that it can be
    /// mounted where no libtorch is installed. Null where there is none.
    /// </summary>
    public static string? PackageFolder => TorchSearch.PackageFolders(Environment.GetEnvironmentVariable).FirstOrDefault(f => File.Exists(Path.Combine(f, TorchSearch.FileName)));

    /// <summary>Looks for it, without loading it: whether this system's other libraries suit it shows only then.</summary>
    /// <param name="found">As in <c>libtorch 2.6.0 (/usr/lib/x86_64-linux-gnu/libtorch_cpu.so.2.6.0)</c>; where there is none, what to install.</param>
    public static bool TryFind(out string found)
    {
        try
        {
            found = TorchSearch.Find().ToString();
            return true;
        }
        catch (EngineUnavailableException e)
        {
            found = e.Message;
            return false;
        }
    }
}
