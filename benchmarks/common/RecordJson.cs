using System.Text.Json;
using System.Text.Json.Serialization;

namespace Loadline.Benchmarks;

/// <summary>How records are written, so that a diff of two of them reads well.</summary>
internal static class RecordJson
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    public static T Read<T>(string path) => JsonSerializer.Deserialize<T>(File.ReadAllText(path), Options)!;

    public static void Write<T>(string path, T record) => File.WriteAllText(path, JsonSerializer.Serialize(record, Options) + "\n");
}
