using Loadline.Strategies.Engines.Torch;

namespace Loadline.Strategies.Engines;

/// <summary>Which libtorch the engine of that name would take, for whoever wants to know before it is loaded.</summary>
public static class Libtorch
{
    /// <summary>The variable that names libtorch's file or folder, and is obeyed before any other place.</summary>
    public const string Variable = TorchSearch.Variable;

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
