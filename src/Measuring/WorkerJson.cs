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

    // Not a static field: the other part of this class, which has Default, may be initialised after this one.
    private static StrangersJson<WorkerEvent> Events => field ??= new StrangersJson<WorkerEvent>(Default);

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
