using System.Text.Json;
using Loadline.Checkpoints.Json;

namespace Loadline.Harness.Output;

/// <summary>JSON for a device map. By hand, in pieces: a serializer makes one text of names that may be six times as long once they are escaped.</summary>
internal static class MapJson
{
    public static void Write(TextWriter output, IReadOnlyDictionary<string, string> devices)
    {
        using (var stream = new WriterStream(output))
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            foreach (var (prefix, device) in devices)
            {
                json.WriteString(prefix, device);
                json.FlushMuch();
            }

            json.WriteEndObject();
        }

        output.WriteLine();
    }
}
