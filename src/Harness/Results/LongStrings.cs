using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Loadline.Checkpoints.Json;

namespace Loadline.Harness.Results;

/// <summary>Texts of any length, written in pieces: by itself the serializer makes room for one as if each of its characters had to be escaped.</summary>
internal sealed class LongStrings : JsonConverter<string>
{
    /// <summary>The options of a context, with no character escaped that JSON allows: a file that is read again by the same rules has its texts by their own length.</summary>
    public static JsonSerializerOptions WrittenBy(JsonSerializerContext context) => new(context.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString();

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteLong(value);

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString()!;

    public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
    {
        writer.WritePropertyName(value);
        writer.FlushMuch();
    }
}
