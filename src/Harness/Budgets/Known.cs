using Loadline.Harness.Making;
using Loadline.Strategies;
using Loadline.Strategies.Engines;

namespace Loadline.Harness.Budgets;

/// <summary>Names that the command line and budget files accept, beside the catalogue of strategies.</summary>
internal static class Known
{
    /// <summary>Who owns the memory of tensors.</summary>
    public static IReadOnlyList<string> Engines { get; } = EngineNames.All;

    /// <summary>How weights are compared after a load.</summary>
    public static IReadOnlyList<string> Verifications { get; } = ["digest"];

    /// <summary>What models are made in.</summary>
    public static IReadOnlyList<string> ModelDTypes { get; } = [.. SyntheticWeights.DTypes.Select(d => d.Name)];

    /// <summary>What is wrong with a device's name, or null.</summary>
    public static string? DeviceProblem(string device) =>
        Device.TryParse(device, out _) ? null : $"unknown device '{device}': known are cpu and sim:CAPACITY, as in sim:4GiB";
}
