using System.Text.Json;
using System.Text.Json.Serialization;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Json;
using Loadline.Measuring;

namespace Loadline.Harness.Results;

/// <summary>A text of a few lines, which other texts may not have: each comes in fit to be shown, as <see cref="PrintableText.Escape"/> has it.</summary>
internal sealed class PrintableLines : JsonConverter<string>
{
    // More than a case has budgets.
    private const int MostLines = 16;

    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        KeptText.Bounded(string.Join('\n', reader.GetString()!.Split('\n', MostLines).Select(PrintableText.Escape)));

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteLong(value);
}
