using System.Security.Cryptography;
using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Measuring;

namespace Loadline.Fuzz;

/// <summary>
/// Keeps what opened, for another reader to open as well: <c>NUMBER.pth</c> or <c>NUMBER.safetensors</c>, and <c>NUMBER.json</c> with each tensor's name, dtype,
/// shape and the sha256 of its elements.
/// </summary>
/// <param name="folder">Where.</param>
internal sealed class KeptMutants(string folder)
{
    public void Keep(string path, long number)
    {
        using var checkpoint = Checkpoint.Open(path);
        var extension = checkpoint.Format switch { CheckpointFormat.Pth or CheckpointFormat.Legacy => ".pth", CheckpointFormat.Safetensors => ".safetensors", _ => null };
        if (extension is null) return;
        var tensors = checkpoint.Entries.Select(entry => new { name = entry.Name, dtype = entry.DType.Name, shape = entry.Shape, sha256 = Sha256(checkpoint, entry) }).ToList();
        File.Copy(path, Path.Combine(folder, number + extension), overwrite: true);
        var unloadable = checkpoint.Unloadable.Select(tensor => tensor.Name).ToList();
        File.WriteAllText(Path.Combine(folder, number + ".json"), JsonSerializer.Serialize(new { file = number + extension, tensors, unloadable }));
    }

    private static string Sha256(Checkpoint checkpoint, TensorEntry entry)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        NaiveReader.Read(checkpoint, entry, bytes => hash.AppendData(bytes));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
