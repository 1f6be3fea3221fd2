namespace Loadline.Tensors.Engines;

/// <summary>Who owns the memory of tensors, by the names of the command line and of results.</summary>
public static class EngineNames
{
    /// <summary>Memory of the operating system's, without any library.</summary>
    public const string Native = "native";

    /// <summary>PyTorch's own library, 2.6 or newer: every tensor is an <c>at::Tensor</c>.</summary>
    public const string Libtorch = "libtorch";

    /// <summary>TorchSharp: what libtorch has loaded becomes a module's own tensors. It has a worker of its own, and is no engine of a loader's.</summary>
    public const string TorchSharp = "torchsharp";

    /// <summary>All of them, the default first.</summary>
    public static IReadOnlyList<string> All { get; } = [Native, Libtorch, TorchSharp];

    /// <summary>What anyone says of a name that is none of them.</summary>
    internal static ArgumentException Unknown(string name) => new($"there is no engine '{name}': choose {string.Join(", ", All)}");
}
