using System.Text.Json;
using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Sharded;

/// <summary>
/// The index of a sharded checkpoint: <c>{"metadata": {…}, "weight_map": {"tensor": "file"}}</c>. Source: <c>save_pretrained</c> of Hugging Face
/// Transformers, whose two names for it are <c>model.safetensors.index.json</c> and <c>pytorch_model.bin.index.json</c>.
/// </summary>
/// <param name="Metadata">As text; what is no string as its JSON.</param>
/// <param name="Shards">The tensors of each shard by the shard's name, in the order of the names: that is the order in which they were written.</param>
internal sealed record ShardIndex(IReadOnlyDictionary<string, string> Metadata, SortedDictionary<string, HashSet<string>> Shards)
{
    // Half a million tensors; the largest models have a fifth of that.
    private const int MaxBytes = 50_000_000;

    // A dotted name and a shard's; 8 can be made to do.
    private const int BytesPerTensor = 48;

    // The largest models have some hundred. Each is a file to open.
    private const int MaxShards = 1 << 16;
    private const int MaxMetadata = 1 << 16;

    /// <summary>Whether a file looks like an index: a JSON object that has an index's name, or its members near the start.</summary>
    public static bool Recognises(SourceFile file) =>
        file.Head.TrimStart(" \t\r\n"u8) is [(byte)'{', ..]
        && (HasName(file.Path) || file.Head.IndexOf("\"weight_map\""u8) >= 0 || file.Head.IndexOf("\"total_size\""u8) >= 0);

    /// <summary>Whether a path is named as an index is.</summary>
    public static bool HasName(string path) =>
        path.EndsWith(".safetensors.index.json", StringComparison.Ordinal) || path.EndsWith(".bin.index.json", StringComparison.Ordinal);

    public static ShardIndex Read(SourceFile file)
    {
        if (file.Length > MaxBytes) throw file.Refuse(CheckpointError.LimitExceeded, $"is an index of {file.Length} bytes, more than the limit of {MaxBytes}");
        var bytes = new byte[file.Length];
        file.Read(0, bytes, "the index");
        try
        {
            // A name that comes twice could mean one shard to one reader and another to the next.
            using var json = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return new ShardIndex(ReadMetadata(json.RootElement), ReadShards(file, json.RootElement));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CheckpointException(CheckpointError.Malformed, file.Path, $"the index is refused: {e.Message}", inner: e);
        }
    }

    private static Dictionary<string, string> ReadMetadata(JsonElement index)
    {
        if (!index.TryGetProperty("metadata", out var metadata)) return [];
        if (metadata.GetPropertyCount() > MaxMetadata) throw new JsonException($"its metadata has more than {MaxMetadata} entries");
        return metadata.EnumerateObject().ToDictionary(m => m.Name, m => m.Value.ValueKind == JsonValueKind.String ? m.Value.GetString()! : m.Value.GetRawText());
    }

    private static SortedDictionary<string, HashSet<string>> ReadShards(SourceFile file, JsonElement index)
    {
        if (!index.TryGetProperty("weight_map", out var weightMap)) throw file.Refuse(CheckpointError.Malformed, "the index has no weight_map");
        var most = TensorLimit.Of(file.Length, BytesPerTensor);
        if (weightMap.GetPropertyCount() > most) throw file.Refuse(CheckpointError.LimitExceeded, $"the index names more than {most} tensors in {file.Length} bytes");
        var shards = new SortedDictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var tensor in weightMap.EnumerateObject())
        {
            var shard = tensor.Value.GetString() ?? throw new JsonException($"tensor '{tensor.Name}' has no shard");
            if (!shards.TryGetValue(shard, out var tensors))
            {
                if (shards.Count == MaxShards) throw file.Refuse(CheckpointError.LimitExceeded, $"names more than {MaxShards} shards");
                CheckName(file, shard);
                shards.Add(shard, tensors = []);
            }

            tensors.Add(tensor.Name);
        }

        return shards;
    }

    /// <summary>
    /// Names come from strangers: one that is absolute, or climbs by "..", could name any file of this machine. Symbolic links are the user's own, and
    /// how the Hugging Face cache is built: they are followed.
    /// </summary>
    private static void CheckName(SourceFile file, string shard)
    {
        if (!shard.Contains('\0') && shard.Split('/').All(part => part is not ("" or "." or ".."))) return;
        throw file.Refuse(CheckpointError.Malformed, $"names shard '{shard}', which is no plain path below the index's own folder");
    }
}
