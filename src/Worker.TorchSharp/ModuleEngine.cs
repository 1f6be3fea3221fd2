using Loadline.Tensors;
using Loadline.Tensors.Engines;
using TorchSharp;

namespace Loadline.Worker.TorchSharp;

/// <summary>TorchSharp's own libtorch, which allocates what strategies load, before modules take it over.</summary>
internal sealed class ModuleEngine : TorchEngine
{
    private static readonly string Version = typeof(torch).Assembly.GetName().Version!.ToString(3);

    private ModuleEngine()
    {
    }

    public override string Name => EngineNames.TorchSharp;

    public override string Description => $"TorchSharp {Version} on {base.Description}";

    /// <summary>Starts TorchSharp, which loads the one libtorch of the process: the engine takes the one that is there.</summary>
    /// <exception cref="EngineUnavailableException">It cannot be loaded, or has no such device.</exception>
    public static ModuleEngine Start(torch.Device device)
    {
        try
        {
            torch.InitializeDeviceType(device.type);
            // What it takes is taken with its first tensor: after that, what a load takes is the load's.
            using var first = torch.ones(1, device: device);
        }
        catch (Exception e) when (e is DllNotFoundException or NotSupportedException or InvalidOperationException or TypeInitializationException)
        {
            throw new EngineUnavailableException($"TorchSharp {Version} cannot use {device}: {e.Message.ReplaceLineEndings(" ")}", e);
        }

        return new ModuleEngine();
    }
}
