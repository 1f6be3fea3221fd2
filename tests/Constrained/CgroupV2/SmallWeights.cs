using Loadline.Checkpoints;

namespace Loadline.Constrained.CgroupV2;

/// <summary>Checkpoints that are really on the disk, small enough for a machine without KVM, each made when it is first wanted.</summary>
public sealed class SmallWeights : IDisposable
{
    /// <summary>Of <see cref="Path"/>: sixteen tensors of 4 MiB.</summary>
    public const long Bytes = 64 * ByteSize.MiB;

    private const long TensorBytes = 4 * ByteSize.MiB;

    private readonly TemporaryFolder _folder = new(onDisk: true);

    /// <summary>More than a cap that .NET itself lives under.</summary>
    public string Path => Made("small.safetensors", Bytes);

    /// <summary>For what is read many times.</summary>
    public string Tiny => Made("tiny.safetensors", 2 * TensorBytes);

    public void Dispose() => _folder.Dispose();

    private string Made(string name, long bytes)
    {
        var path = _folder[name];
        if (File.Exists(path)) return path;
        var tensors = (int)(bytes / TensorBytes);
        using var writer = CheckpointWriter.Create(
            path, CheckpointFormat.Safetensors, [.. Enumerable.Range(0, tensors).Select(i => new TensorDeclaration($"blocks.{i}.weight", DType.Float32, [TensorBytes / sizeof(float)]))]);
        var values = new byte[TensorBytes];
        for (var i = 0; i < tensors; i++)
        {
            new Random(i).NextBytes(values);
            writer.Write(values);
        }

        writer.Commit();
        return path;
    }
}
