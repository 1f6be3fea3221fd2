using System.Text.Encodings.Web;
using System.Text.Json;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Json;

namespace Loadline.Checkpoints.Sharded;

/// <summary>The index beside the shards: <c>metadata.total_size</c>, the bytes of all tensors, and <c>weight_map</c>, which shard has which tensor.</summary>
internal static class ShardIndexWriter
{
    public const string FileName = "model.safetensors.index.json";

    /// <summary>Refuses what would be longer, or of more shards, than readers take: known before anything is written.</summary>
    /// <exception cref="CheckpointException">It would be.</exception>
    public static void RequireRoom(string path, List<TensorDeclaration[]> shards)
    {
        if (shards.Count > ShardIndex.MaxShards)
            throw new CheckpointException(CheckpointError.LimitExceeded, path, $"would have {shards.Count} shards, but readers accept {ShardIndex.MaxShards}: make them larger");
        using var counted = new CountingStream();
        Write(counted, shards);
        if (counted.Length <= ShardIndex.MaxBytes) return;
        throw new CheckpointException(CheckpointError.LimitExceeded, path, $"would have an index of {counted.Length} bytes, but readers accept {ShardIndex.MaxBytes}");
    }

    /// <summary>Writes it.</summary>
    public static void Write(OutputFile output, List<TensorDeclaration[]> shards)
    {
        using var stream = new OutputStream(output);
        Write(stream, shards);
    }

    private static void Write(Stream output, List<TensorDeclaration[]> shards)
    {
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", shards.Sum(shard => shard.Sum(t => t.ByteCount)));
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        for (var i = 0; i < shards.Count; i++)
        {
            var shard = ShardPlan.FileName(i, shards.Count);
            foreach (var tensor in shards[i])
            {
                json.WriteString(tensor.Name, shard);
                json.FlushMuch();
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
