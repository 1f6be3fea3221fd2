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

    /// <summary>Why the run ended before its last case; null where all cases ran.</summary>
    public string? Incomplete { get; init; }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InputException">It cannot be read, or holds no results that this program knows.</exception>
    public static ResultFile Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            var results = JsonSerializer.Deserialize(stream, ResultJson.Default.ResultFile);
            if (results is not { Environment: not null, Cases: not null }) throw new InputException($"{path}: holds no results of `loadline run`");
            if (results.Schema != CurrentSchema) throw new InputException($"{path}: has schema {results.Schema}, this program reads {CurrentSchema}");
            if (results.Cases.CountBy(c => c.Name).FirstOrDefault(c => c.Value > 1).Key is { } twice) throw new InputException($"{path}: case '{twice}' stands there twice");
            return results;
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}:{(e.LineNumber ?? 0) + 1}: holds no results of `loadline run`: {e.Message.Split(" Path:")[0].TrimEnd('.')}");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: there is no such file; `loadline run --results FILE` writes one");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}");
        }
    }

    /// <summary>Writes the file; nothing half-written ever stands under its name.</summary>
    /// <exception cref="IOException">The path cannot be written.</exception>
    public void Write(string path) => WholeFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, ResultJson.Default.ResultFile));
}

/// <summary>JSON for results, without reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ResultFile))]
internal sealed partial class ResultJson : JsonSerializerContext;
