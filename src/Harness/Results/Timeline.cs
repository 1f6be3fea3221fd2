using System.Text.Json;
using System.Text.Json.Serialization;

namespace Loadline.Harness.Results;

/// <summary>
/// The samples of a load as columns of equal length. Where there were more samples than points, each point stands for several and holds the highest
/// reading of each gauge among them. A column of zeros is left out.
/// </summary>
/// <param name="Milliseconds">Since the load began.</param>
/// <param name="AnonBytes">RssAnon.</param>
/// <param name="ShmemBytes">RssShmem.</param>
/// <param name="FileBytes">RssFile: mapped pages of files, which can be reclaimed.</param>
/// <param name="CgroupBytes">What the cgroup is charged with, page cache included.</param>
/// <param name="DeviceBytes">The engine's count of accelerator memory.</param>
/// <param name="PhaseOf">For each point the index of its phase in <paramref name="Phases"/>.</param>
/// <param name="Phases">Names, each once.</param>
internal sealed record Timeline(
    [property: JsonConverter(typeof(CompactColumn))] IReadOnlyList<long> Milliseconds,
    [property: JsonConverter(typeof(CompactColumn))] IReadOnlyList<long> AnonBytes,
    [property: JsonConverter(typeof(CompactColumn))] IReadOnlyList<long>? ShmemBytes,
    [property: JsonConverter(typeof(CompactColumn))] IReadOnlyList<long>? FileBytes,
    [property: JsonConverter(typeof(CompactColumn))] IReadOnlyList<long>? CgroupBytes,
    [property: JsonConverter(typeof(CompactColumn))] IReadOnlyList<long>? DeviceBytes,
    [property: JsonConverter(typeof(CompactColumn))] IReadOnlyList<long> PhaseOf,
    IReadOnlyList<string> Phases)
{
    /// <summary>Whether all columns have the same length, time goes forward and all phases have a name: what a file says of itself is not to be trusted.</summary>
    [JsonIgnore]
    public bool IsWhole =>
        new[] { AnonBytes, ShmemBytes ?? AnonBytes, FileBytes ?? AnonBytes, CgroupBytes ?? AnonBytes, DeviceBytes ?? AnonBytes, PhaseOf }.All(c => c?.Count == Milliseconds?.Count)
        && GoesForward(Milliseconds) && (PhaseOf.Count == 0 || (PhaseOf.Min() >= 0 && PhaseOf.Max() < Phases?.Count));

    private static bool GoesForward(IReadOnlyList<long> times)
    {
        for (var i = 0; i < times.Count; i++)
        {
            if (times[i] < (i == 0 ? 0 : times[i - 1])) return false;
        }

        return true;
    }
}

/// <summary>Numbers on one line: indented, each would take a line of its own.</summary>
internal sealed class CompactColumn : JsonConverter<IReadOnlyList<long>>
{
    // A run keeps 240.
    private const int MostPoints = 4096;

    /// <inheritdoc/>
    public override IReadOnlyList<long> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException("a column of a timeline is a list of numbers");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            if (numbers.Count == MostPoints) throw new JsonException($"a column of a timeline has more than {MostPoints} numbers");
            numbers.Add(reader.GetInt64());
        }

        return reader.TokenType == JsonTokenType.EndArray ? numbers : throw new JsonException("a column of a timeline is a list of numbers");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, IReadOnlyList<long> value, JsonSerializerOptions options) =>
        writer.WriteRawValue($"[{string.Join(',', value)}]", skipInputValidation: true);
}
