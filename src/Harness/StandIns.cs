namespace Loadline.Strategies;

/// <summary>A strategy as the command line knows it.</summary>
internal sealed record CatalogEntry(string Name, string Summary);

/// <summary>The strategies in the order of the design.</summary>
internal static class StrategyCatalog
{
    public static IReadOnlyList<CatalogEntry> All { get; } =
    [
        new("eager", "model and state dict both on the device, copied over"),
        new("cpu-then-to", "loaded on the CPU, then moved to the device"),
        new("sequential", "model on the device, state dict on the CPU, copied one parameter at a time"),
        new("meta-sequential", "meta model, empty on the device, state dict on the device, copied over"),
        new("meta-assign", "meta model takes over the tensors of the state dict"),
        new("mmap-assign", "meta model takes over the tensors of a memory-mapped state dict"),
        new("per-tensor", "one tensor at a time: read, copied, freed"),
        new("streamed", "read by several readers straight into place"),
    ];
}
