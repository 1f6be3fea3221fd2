using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Loadline.Measuring;

/// <summary>JSON for <see cref="WorkerEvent"/> without reflection, so that the worker can be trimmed.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never)]
[JsonSerializable(typeof(WorkerEvent))]
[JsonSerializable(typeof(LoadReport))]
[JsonSerializable(typeof(SampleEvent))]
internal sealed partial class WorkerJson : JsonSerializerContext
{
    /// <summary>How every such line begins.</summary>
    public const string Start = """{"event":""";

    /// <summary>
    /// The most of a text that is kept: as long as a path can be, and nothing that a worker says is longer. It has 24 KiB at most where it is written again, with all
    /// of it escaped for JSON, which whoever reads that takes in.
    /// </summary>
    public const int MostCharacters = 4096;

    // Not a static field: the other part of this class, which has Default, may be initialised after this one.
    private static StrangersJson<WorkerEvent> Events => field ??= new StrangersJson<WorkerEvent>(Default, MostCharacters);

    /// <summary>One event as one line.</summary>
    public static string Write(WorkerEvent e) => JsonSerializer.Serialize(e, Default.WorkerEvent);

    /// <summary>Reads a line back, its texts fit to be shown; null for a line that is no event (another program's output).</summary>
    public static WorkerEvent? TryRead(string line)
    {
        try
        {
            return line.StartsWith(Start, StringComparison.Ordinal) ? Events.Read(Encoding.UTF8.GetBytes(line)) : null;
        }
        // An object that says of no event that it is one is valid JSON, and no event.
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            return null;
        }
    }
}
