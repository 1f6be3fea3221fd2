using Loadline.Checkpoints;

namespace Loadline.Harness.Budgets;

/// <summary>Names that the command line and budget files accept, beside the catalogue of strategies.</summary>
internal static class Known
{
    /// <summary>Who owns the memory of tensors.</summary>
    public static IReadOnlyList<string> Engines { get; } = ["native"];

    /// <summary>How weights are compared after a load.</summary>
    public static IReadOnlyList<string> Verifications { get; } = ["digest"];

    /// <summary>What runs a program under a cap; <c>auto</c> takes docker if it answers, else cgroup.</summary>
    public static IReadOnlyList<string> Runtimes { get; } = ["auto", "docker", "cgroup"];

    /// <summary>What is wrong with a device's name, or null.</summary>
    public static string? DeviceProblem(string device)
    {
        if (device == "cpu") return null;
        if (!device.StartsWith("sim:", StringComparison.Ordinal)) return $"unknown device '{device}': known are cpu and sim:CAPACITY, as in sim:4GiB";
        return ByteSize.TryParse(device[4..], out var capacityBytes) && capacityBytes > 0
            ? null
            : $"device '{device}': '{device[4..]}' is no capacity: write a size, as in sim:4GiB";
    }
}
