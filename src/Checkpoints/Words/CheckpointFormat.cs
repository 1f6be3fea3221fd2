namespace Loadline.Checkpoints;

/// <summary>The formats by the names that the command line and the budgets use.</summary>
public enum CheckpointFormat
{
    /// <summary><c>pth</c>: the ZIP archive that <c>torch.save</c> writes since PyTorch 1.6.</summary>
    Pth,

    /// <summary><c>legacy</c>: the pickles, one after another, that <c>torch.save</c> wrote before PyTorch 1.6.</summary>
    Legacy,

    /// <summary><c>safetensors</c>: a JSON header and one buffer.</summary>
    Safetensors,

    /// <summary><c>sharded</c>: several safetensors or pth files and an index that says which tensor is where.</summary>
    Sharded,

    /// <summary><c>per-tensor</c>: a folder of <c>.pt</c> files, one bare tensor each, named after the file.</summary>
    PerTensor,

    /// <summary><c>dat</c>: TorchSharp's own format.</summary>
    Dat,

    /// <summary><c>dcp</c>: a folder of torch.distributed.checkpoint, whose tensors are put together from what each rank wrote.</summary>
    Distributed,

    /// <summary><c>zero</c>: a folder of DeepSpeed's ZeRO, whose float32 weights are put together from the optimizer's parts.</summary>
    Zero,
}

/// <summary>Names of <see cref="CheckpointFormat"/> and back.</summary>
public static class CheckpointFormats
{
    // In the order of the enumeration.
    private static readonly string[] Names = ["pth", "legacy", "safetensors", "sharded", "per-tensor", "dat", "dcp", "zero"];

    /// <summary>The names of the formats that <see cref="CheckpointWriter"/> writes.</summary>
    public static IReadOnlyList<string> Writable { get; } = ["pth", "safetensors", "sharded", "per-tensor", "dat"];

    /// <summary>The name, as in <c>per-tensor</c>.</summary>
    public static string Name(this CheckpointFormat format) => Names[(int)format];

    /// <summary>Finds a format by its name.</summary>
    public static bool TryParse(string? name, out CheckpointFormat format)
    {
        var index = Array.IndexOf(Names, name);
        format = (CheckpointFormat)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>The format that a file's ending stands for, where one is to be written.</summary>
    /// <exception cref="ArgumentException">The ending says no format.</exception>
    internal static CheckpointFormat OfEnding(string path) => Path.GetExtension(path) switch
    {
        ".safetensors" => CheckpointFormat.Safetensors,
        ".pth" or ".pt" or ".bin" => CheckpointFormat.Pth,
        ".dat" => CheckpointFormat.Dat,
        var other => throw new ArgumentException($"the ending '{other}' says no format: name a .safetensors, .pth, .pt, .bin or .dat file, or the format", nameof(path)),
    };
}
