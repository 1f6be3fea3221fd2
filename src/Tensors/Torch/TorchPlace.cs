namespace Loadline.Tensors.Torch;

/// <summary>A libtorch on this machine.</summary>
/// <param name="File">Its <c>libtorch_cpu.so</c>, absolute.</param>
/// <param name="Version">As in 2.6; null where nothing about the file tells it.</param>
internal sealed record TorchPlace(string File, string? Version)
{
    /// <summary>As in <c>libtorch 2.6</c>.</summary>
    public string Name => Version is null ? "libtorch" : $"libtorch {Version}";

    /// <summary>The name and the file.</summary>
    public override string ToString() => $"{Name} ({File})";
}
