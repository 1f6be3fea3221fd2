using System.Text.Json;
using System.Text.Json.Serialization;

namespace Loadline.Harness.Results;

/// <summary>What a run found, as one JSON file that later runs and other programs read.</summary>
/// <param name="Schema">Of this file; 1.</param>
/// <param name="Environment">Where it was measured: results of different environments are not compared.</param>
/// <param name="Cases">In the order of the budget file.</param>
internal sealed record ResultFile(int Schema, RunEnvironment Environment, IReadOnlyList<CaseResult> Cases)
{
    /// <summary>The version that this program writes.</summary>
    public const int CurrentSchema = 1;

    /// <summary>Writes the file; nothing half-written ever stands under its name.</summary>
    /// <exception cref="IOException">The path cannot be written.</exception>
    public void Write(string path)
    {
        var whole = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
        var unfinished = $"{whole}.{System.Environment.ProcessId}.tmp";
        try
        {
            File.WriteAllText(unfinished, JsonSerializer.Serialize(this, ResultJson.Default.ResultFile) + "\n");
            File.Move(unfinished, whole, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }
}

/// <summary>JSON for results, without reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ResultFile))]
internal sealed partial class ResultJson : JsonSerializerContext;
