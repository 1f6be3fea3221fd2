using Loadline.Checkpoints;
using Loadline.Tensors;

namespace Loadline.DeviceMaps.Dispatch;

/// <summary>
/// Walks through a model layer by layer: what is offloaded comes to the CPU when its layer's turn is, and leaves again. So a model computes in the memory
/// of its largest layer.
/// </summary>
public static class LayerDispatch
{
    /// <summary>The layers, in the order given. A layer's tensors must not be used after the next one was asked for.</summary>
    /// <param name="model">A model on the CPU. It stays as it is, and must not be disposed before the walk ends.</param>
    /// <param name="modules">Prefixes of tensors' names, as in <c>trf_blocks.3</c>, in the order in which they compute.</param>
    /// <param name="options">What is offloaded, and how much of it may be resident.</param>
    /// <exception cref="ArgumentException">A module has no tensors, or takes more than may be resident; the message names it.</exception>
    public static IEnumerable<Layer> Layers(this Model model, IEnumerable<string> modules, DispatchOptions? options = null)
    {
        options ??= new DispatchOptions();
        var names = new ModuleNames(model.Keys);
        var plans = modules.Select(module => LayerPlan.Of(model, module, names.Of(module), options)).ToList();
        foreach (var plan in plans)
        {
            if (plan.Bytes <= (options.ResidentBytes ?? long.MaxValue)) continue;
            throw new ArgumentException(
                $"layer '{PrintableText.Escape(plan.Name)}' takes {ByteSize.Format(plan.Bytes)}, but only {ByteSize.Format(options.ResidentBytes!.Value)} may be resident: "
                + $"allow {ByteSize.Format(plans.Max(p => p.Bytes))}, which the largest layer takes");
        }

        return Walk(plans, options);
    }

    private static IEnumerable<Layer> Walk(List<LayerPlan> plans, DispatchOptions options)
    {
        Layer? brought = null;
        ComingLayer? coming = null;
        try
        {
            for (var i = 0; i < plans.Count; i++)
            {
                using var layer = brought ?? plans[i].Bring(options.Readers);
                coming = i + 1 < plans.Count && FitsBeside(plans[i], plans[i + 1], options) ? new ComingLayer(plans[i + 1], options.Readers) : null;
                yield return layer;
                // Before this layer leaves: else the peak would depend on which of the two was faster.
                brought = coming?.Wait();
            }
        }
        finally
        {
            // Of a walk that was left early.
            coming?.Dispose();
        }
    }

    private static bool FitsBeside(LayerPlan current, LayerPlan next, DispatchOptions options) =>
        next.Bytes > 0 && next.Bytes <= options.ResidentBytes - current.Bytes;
}
