using System.Runtime.CompilerServices;
using Loadline.Tensors;

namespace Loadline.DeviceMaps;

/// <summary>What a model that was loaded by a map knows of it.</summary>
public static class MappedModel
{
    private static readonly ConditionalWeakTable<Model, DeviceMapPlan> Plans = [];

    extension(Model model)
    {
        /// <summary>Which part is on which device, and what each may hold; null unless it was loaded by <c>device-map</c>.</summary>
        public DeviceMapPlan? DeviceMap => Plans.TryGetValue(model, out var plan) ? plan : null;

        internal void LoadedBy(DeviceMapPlan plan) => Plans.Add(model, plan);
    }
}
