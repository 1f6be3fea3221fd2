using System.Text.Json;
using Loadline.Checkpoints.Json;

namespace Loadline.Harness.Inspection;

/// <summary>JSON for <see cref="Contents"/>. By hand: a serializer keeps the whole of a value until it is written, and a file's metadata may be any text.</summary>
internal static class ContentsJson
{
    /// <summary>Writes all of it, in pieces.</summary>
    public static void Write(Stream output, Contents contents)
    {
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("format", contents.Format);
        WriteTexts(json, "files", contents.Files);
        json.WriteStartObject("metadata");
        foreach (var (key, value) in contents.Metadata)
        {
            json.WritePropertyName(key);
            json.WriteLong(value);
            json.FlushMuch();
        }

        json.WriteEndObject();
        json.WriteStartArray("tensors");
        foreach (var tensor in contents.Tensors) Write(json, tensor);
        json.WriteEndArray();
        if (contents.Unloadable is { } unloadable)
        {
            json.WriteStartArray("unloadable");
            foreach (var tensor in unloadable)
            {
                json.WriteStartObject();
                json.WriteString("name", tensor.Name);
                json.WriteString("reason", tensor.Reason);
                json.WriteEndObject();
                json.FlushMuch();
            }

            json.WriteEndArray();
        }

        if (contents.Notes is { } notes) WriteTexts(json, "notes", notes);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ContentsTensor tensor)
    {
        json.WriteStartObject();
        json.WriteString("name", tensor.Name);
        json.WriteString("dtype", tensor.DType);
        json.WriteStartArray("shape");
        foreach (var size in tensor.Shape) json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteNumber("bytes", tensor.Bytes);
        json.WriteString("sharesWith", tensor.SharesWith);
        json.WriteString("sha256", tensor.Sha256);
        json.WriteEndObject();
        json.FlushMuch();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
            json.FlushMuch();
        }

        json.WriteEndArray();
    }
}
