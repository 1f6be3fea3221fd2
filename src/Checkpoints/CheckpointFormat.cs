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
}

/// <summary>Names of <see cref="CheckpointFormat"/> and back.</summary>
public static class CheckpointFormats
{
    private static readonly (CheckpointFormat Format, string Name)[] Names =
    [
        (CheckpointFormat.Pth, "pth"),
        (CheckpointFormat.Legacy, "legacy"),
        (CheckpointFormat.Safetensors, "safetensors"),
        (CheckpointFormat.Sharded, "sharded"),
        (CheckpointFormat.PerTensor, "per-tensor"),
        (CheckpointFormat.Dat, "dat"),
    ];

    /// <summary>The names of the formats that <see cref="CheckpointWriter"/> writes.</summary>
    public static IReadOnlyList<string> Writable { get; } =
        [.. Names.Where(n => n.Format != CheckpointFormat.Legacy).Select(n => n.Name)];

    /// <summary>The name, as in <c>per-tensor</c>.</summary>
    public static string Name(this CheckpointFormat format) => Names.First(n => n.Format == format).Name;

    /// <summary>Finds a format by its name.</summary>
    public static bool TryParse(string? name, out CheckpointFormat format)
    {
        var index = Array.FindIndex(Names, n => n.Name == name);
        format = index < 0 ? default : Names[index].Format;
        return index >= 0;
    }
}
