using System.Text.Encodings.Web;
using System.Text.Json;
using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.Sharded;

/// <summary>The index beside the shards: <c>metadata.total_size</c>, the bytes of all tensors, and <c>weight_map</c>, which shard has which tensor.</summary>
internal static class ShardIndexWriter
{
    public const string FileName = "model.safetensors.index.json";

    public static void Write(OutputFile output, List<TensorDeclaration[]> shards)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", shards.Sum(shard => shard.Sum(t => t.ByteCount)));
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            for (var i = 0; i < shards.Count; i++)
            {
                foreach (var tensor in shards[i]) json.WriteString(tensor.Name, ShardPlan.FileName(i, shards.Count));
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        output.Write(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }
}
