using System.Runtime.CompilerServices;
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

    /// <summary>Refuses modules whose code is libtorch's: it has weights of its own, and what C# lists are copies of the references to them.</summary>
    /// <exception cref="ArgumentException">The module is one, or holds one.</exception>
    public static void RefuseScripted(torch.nn.Module module)
    {
        // Not asked for what it holds: TorchSharp 0.107 ends the process over some of these.
        if (module is torch.jit.ScriptModule)
            throw new ArgumentException("the module, or a part of it, is TorchScript's, whose weights C# can neither replace nor list: load and save the archive by torch.jit, or use a module of C#");
        foreach (var (_, child) in module.named_children()) RefuseScripted(child);
    }

    /// <summary>
    /// Brings back what was put onto the meta device: native code went on with memory of its own, which is given back here, and C# showed parameters
    /// of which it knew nothing. Both are one again, with a shape and no memory but for one NaN, so that what is used before it is loaded cannot pass for weights.
    /// </summary>
    public static void Restore(torch.nn.Module module)
    {
        using var noGrad = torch.no_grad();
        var modules = module.named_modules().Select(m => m.module).Prepend(module).Distinct().ToList();
        var all = modules.SelectMany(m => m.named_parameters(recurse: false)).Select(p => p.parameter).ToList();
        foreach (var owner in modules.Where(Contains))
        {
            var shown = owner.named_parameters(recurse: false).Where(p => p.parameter.device_type == DeviceType.META).ToList();
            if (shown.Count == 0) continue;
            var held = NativeParameters(owner).ToDictionary(p => p.name, p => p.parameter);
            foreach (var (name, parameter) in shown.Where(p => held.ContainsKey(p.name))) Restore(owner, name, parameter, held[name], all);
            foreach (var native in held.Values) native.Dispose();
        }
    }

    /// <summary>Gives a native parameter a shape and no memory but for one NaN.</summary>
    public static void Forget(torch.Tensor native, long[] shape)
    {
        using var one = torch.full([1], double.NaN, native.dtype, native.device);
        using var all = one.expand(shape);
        native.set_(all);
    }

    private static void Restore(torch.nn.Module owner, string name, Parameter shown, Parameter held, List<Parameter> all)
    {
        if (held.device_type != DeviceType.CPU) return;
        var requiresGrad = shown.requires_grad;
        // Where another module shares it, it is another object for the same tensor.
        var identity = Slot.Identity(shown);
        var objects = all.Where(p => Slot.Identity(p) == identity).ToList();
        Forget(held, shown.shape);
        foreach (var parameter in objects) Handover.Alias(held, parameter);
        shown.requires_grad = requiresGrad;
        // Those that have a setter look up their weight apart from what they list.
        if (owner.GetType().GetProperty(name) is { CanWrite: true } property) property.SetValue(owner, shown);
    }

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
    /// <returns>What has no values now, and the shape that it had.</returns>
    /// <exception cref="CheckpointException">A module's weights are of several dtypes; nothing was changed.</exception>
    /// <exception cref="ArgumentException">They are to go to several devices; nothing was changed.</exception>
    public static IReadOnlyList<(Slot Slot, long[] Shape)> Prepare(IReadOnlyList<Incoming> seats, Func<Slot, torch.Device> deviceOf, string path)
    {
        var modules = seats.Where(s => Contains(s.Slot.Owner)).GroupBy(s => s.Slot.Owner).ToList();
        foreach (var module in modules)
        {
            RequireOneDType([.. module], path);
            RequireOneDevice([.. module], deviceOf);
        }

        var emptied = new List<(Slot Slot, long[] Shape)>();
        try
        {
            foreach (var module in modules)
            {
                var (dtype, device) = (module.First().DType, deviceOf(module.First().Slot));
                if (module.All(s => s.Slot.Tensor.dtype == dtype && IsOn(device, s.Slot.Tensor))) continue;
                foreach (var (slot, _, _, _) in module)
                {
                    emptied.Add((slot, slot.Tensor.shape));
                    using var nothing = torch.empty(0, slot.Tensor.dtype, slot.Tensor.device);
                    slot.Tensor.set_(nothing);
                }

                Move(module.Key, device, dtype);
            }
        }
        catch
        {
            GiveShapes(emptied);
            throw;
        }

        return emptied;
    }

    /// <summary>Gives what a load that failed left without values its shape again: the next one asks for it.</summary>
    public static void GiveShapes(IReadOnlyList<(Slot Slot, long[] Shape)> emptied)
    {
        foreach (var (slot, shape) in emptied.Where(e => !e.Slot.Tensor.shape.SequenceEqual(e.Shape))) Forget(slot.Tensor, shape);
    }

    /// <summary>Brings one to a device, whatever TorchSharp remembers of it.</summary>
    public static void Move(torch.nn.Module module, torch.Device device, torch.ScalarType dtype) =>
        // By its number: `cuda` alone is another device to TorchSharp than that of the tensors, which would get new objects.
        module.to(Numbered(device), dtype);

    /// <summary>Whether a tensor is there; <c>cuda</c> without a number is the first.</summary>
    public static bool IsOn(torch.Device device, torch.Tensor tensor) =>
        tensor.device_type == device.type && (device.type == DeviceType.CPU || tensor.device_index == Numbered(device).index);

    private static torch.Device Numbered(torch.Device device) => device is { type: DeviceType.CUDA, index: < 0 } ? new torch.Device(DeviceType.CUDA, 0) : device;

    private static void RequireOneDevice(IReadOnlyList<Incoming> seats, Func<Slot, torch.Device> deviceOf)
    {
        var first = Numbered(deviceOf(seats[0].Slot));
        foreach (var slot in seats.Select(seat => seat.Slot))
        {
            if (Numbered(deviceOf(slot)) is var device && device.type == first.type && device.index == first.index) continue;
            throw new ArgumentException(
                $"the device map puts '{seats[0].Slot.Names[0]}' onto {first} and '{slot.Names[0]}' onto {device}, but {slot.Owner.GetType().Name} computes on one device: name the module");
        }
    }

    private static void RequireOneDType(IReadOnlyList<Incoming> seats, string path)
    {
        var first = seats[0];
        foreach (var incoming in seats)
        {
            if (incoming.DType == first.DType) continue;
            throw new CheckpointException(
                CheckpointError.Mismatch, path,
                $"is {ScalarTypes.Of(incoming.DType)}, but {incoming.Slot.Owner.GetType().Name} computes in one dtype and '{first.Slot.Names[0]}' is {ScalarTypes.Of(first.DType)}: "
                + "load them with a dtype", incoming.Slot.Names[0]);
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "_named_parameters")]
    private static extern (string name, Parameter parameter)[] NativeParameters(torch.nn.Module module);
}
