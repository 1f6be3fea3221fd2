using Loadline.Checkpoints;
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

    /// <summary>
    /// Gives native modules the dtype and device of what was loaded for them: the memory of a tensor that native code refers to can be replaced, these cannot.
    /// Values that are about to be replaced are dropped before, so that converting or moving them takes nothing.
    /// </summary>
    /// <exception cref="CheckpointException">A module's weights are of several dtypes; nothing was changed.</exception>
    public static void Prepare(IReadOnlyList<(Slot Slot, Tensor Loaded)> seats, torch.Device device, string path)
    {
        var modules = seats.Where(s => Contains(s.Slot.Owner)).GroupBy(s => s.Slot.Owner).ToList();
        foreach (var module in modules) RequireOneDType([.. module], path);
        foreach (var module in modules)
        {
            var dtype = Handover.Lend(module.First().Loaded.Handle!, lent => lent.dtype);
            if (module.All(s => s.Slot.Tensor.dtype == dtype && s.Slot.Tensor.device_type == device.type)) continue;
            foreach (var (slot, _) in module)
            {
                using var nothing = torch.empty(0, slot.Tensor.dtype, slot.Tensor.device);
                slot.Tensor.set_(nothing);
            }

            module.Key.to(device, dtype);
        }
    }

    private static void RequireOneDType(IReadOnlyList<(Slot Slot, Tensor Loaded)> seats, string path)
    {
        var first = seats[0];
        foreach (var (slot, loaded) in seats)
        {
            if (loaded.DType == first.Loaded.DType) continue;
            throw new CheckpointException(
                CheckpointError.Mismatch, path,
                $"is {loaded.DType}, but {slot.Owner.GetType().Name} computes in one dtype and '{first.Slot.Names[0]}' is {first.Loaded.DType}: load them with a dtype", slot.Names[0]);
        }
    }
}
