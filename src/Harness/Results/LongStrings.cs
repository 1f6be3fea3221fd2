using System.Text.Json;
using System.Text.Json.Serialization;
using Loadline.Checkpoints.Json;

namespace Loadline.Harness.Results;

/// <summary>Texts of any length, written in pieces: by itself the serializer makes room for one as if each of its characters had to be escaped.</summary>
internal sealed class LongStrings : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString();

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteLong(value);
}
