using TorchSharp;
using TorchSharp.Modules;

namespace Loadline.Strategies.TorchSharp;

/// <summary>
/// The modules of TorchSharp's that compute in native code, with native references to their weights. A parameter's handle is one reference of several
/// there: pointing it elsewhere would leave the module computing with what it had.
/// </summary>
internal static class NativeModules
{
    public static bool Contains(torch.nn.Module module) => module is
        Embedding or EmbeddingBag or RNN or LSTM or GRU or RNNCell or LSTMCell or GRUCell or MultiheadAttention
        or Transformer or TransformerEncoder or TransformerDecoder or TransformerEncoderLayer or TransformerDecoderLayer;

    /// <summary>Refuses what was put onto the meta device and could not be brought back: native code goes on with the memory that it had.</summary>
    /// <exception cref="InvalidOperationException">The message names the parameter and says what to do.</exception>
    public static void RequireMemory(Slot slot, string name)
    {
        if (slot.Tensor.device_type != DeviceType.META || !Contains(slot.Owner)) return;
        throw new InvalidOperationException(
            $"'{name}' is on the meta device, which {slot.Owner.GetType().Name} does not allow: build it with device: torch.CPU"
            + (slot.Owner is Embedding ? ", or by Skeleton.Embedding" : ""));
    }

    /// <summary>Gives a module's parameters another dtype or device and drops their values, which were to be replaced.</summary>
    /// <returns>The parameter of a name as it is then.</returns>
    public static torch.Tensor Empty(torch.nn.Module module, string name, torch.ScalarType dtype, torch.Device device)
    {
        // Emptied first: what is converted or moved has no bytes, and takes none.
        foreach (var (_, parameter) in module.named_parameters(recurse: false))
        {
            using var nothing = torch.empty(0, parameter.dtype, parameter.device);
            parameter.set_(nothing);
        }

        module.to(device, dtype);
        return module.named_parameters(recurse: false).Single(p => p.name == name).parameter;
    }
}
