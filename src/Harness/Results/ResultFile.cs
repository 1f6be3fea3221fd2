using System.Text.Json;
using System.Text.Json.Serialization;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Json;
using Loadline.Harness.Budgets;
using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Measuring;

namespace Loadline.Harness.Results;

/// <summary>What a run found, as one JSON file that later runs and other programs read.</summary>
/// <param name="Schema">Of this file; 1.</param>
/// <param name="Environment">Where it was measured: results of different environments are not compared.</param>
/// <param name="Cases">In the order of the budget file.</param>
internal sealed record ResultFile(int Schema, RunEnvironment Environment, IReadOnlyList<CaseResult> Cases)
{
    /// <summary>The version that this program writes.</summary>
    public const int CurrentSchema = 1;

    // About, for the error of a full disk.
    private const long BytesPerCase = 4 * ByteSize.KiB;

    private static readonly StrangersJson<ResultFile> Strangers = new(ResultJson.Default);

    private static readonly ResultJson Written = new(LongStrings.WrittenBy(ResultJson.Default));

    /// <summary>When it was measured, as in <c>2026-11-26 05:30 UTC</c>.</summary>
    public string? Measured { get; init; }

    /// <summary>The version of Loadline that measured.</summary>
    public string? Version { get; init; }

    /// <summary>The budget file that was held; null for a checkpoint without one.</summary>
    public string? Budgets { get; init; }

    /// <summary>Of that file's bytes; <see cref="BudgetFile.Digest"/>.</summary>
    public string? BudgetsDigest { get; init; }

    /// <summary>What the repository that the budget file lies in had checked out; null where it lies in none.</summary>
    public string? Commit { get; init; }

    /// <summary>The part of a run that this is; null for a whole one.</summary>
    public ResultShard? Shard { get; init; }

    /// <summary>The cases that could not run here; null where all did.</summary>
    public IReadOnlyList<SkippedCase>? Skipped { get; init; }

    /// <summary>What this was put together from; null for what one machine measured.</summary>
    public IReadOnlyList<MergedPart>? MergedFrom { get; init; }

    /// <summary>What else is to be known of the run, a sentence each, as of a log that is not whole; null where that is nothing.</summary>
    public IReadOnlyList<string>? Notes { get; init; }

    /// <summary>Of a checkpoint's strategies the one to take under the cap: the fastest that the plan has room for; null for a budget file, or where none loaded.</summary>
    public string? Take { get; init; }

    /// <summary>Why the run ended before its last case; null where all cases ran.</summary>
    public string? Incomplete { get; init; }

    /// <summary>Reads what a run wrote that came to its end: nothing else says what a case takes.</summary>
    /// <exception cref="InputException">As <see cref="Read(string)"/>, or the run ended before its last case, or measured none.</exception>
    public static ResultFile ReadWhole(string path)
    {
        var results = Read(path);
        results.RefuseUnended(path);
        return results;
    }

    /// <summary>What to do about <see cref="Incomplete"/>.</summary>
    [JsonIgnore]
    public string ToDo => Shard is null && MergedFrom is null ? "run it again" : "name the files of all its shards";

    /// <summary>Refuses a run that did not come to its end, or measured nothing.</summary>
    /// <param name="named">What the message calls it.</param>
    /// <exception cref="InputException">It did not.</exception>
    public void RefuseUnended(string named)
    {
        if (Incomplete is { } why) throw new InputException($"{named}: the run ended before its last case ({why}): {ToDo}");
        if (Cases.Count == 0) throw new InputException($"{named}: holds no case: nothing was measured");
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InputException">It cannot be read, or holds no results that this program knows.</exception>
    public static ResultFile Read(string path) => Read(path, out _, out _);

    /// <summary>The same, with the digest of the file's bytes.</summary>
    public static ResultFile Read(string path, out string digest) => Read(path, out digest, out _);

    /// <summary>The same, with what its values take beyond what its bytes are good for.</summary>
    public static ResultFile Read(string path, out string digest, out long excessBytes)
    {
        try
        {
            var json = WholeFile.Read(path);
            digest = BudgetFile.DigestOf(json);
            // Before all else: another schema may have other members.
            if (SchemaOf(json) is { } schema && schema != CurrentSchema) throw new InputException($"{path}: has schema {schema}, this program reads {CurrentSchema}");
            var results = Strangers.Read(json, out excessBytes) ?? throw new InputException($"{path}: holds no results of `loadline run`");
            if (results.Schema != CurrentSchema) throw new InputException($"{path}: has no schema, this program reads {CurrentSchema}");
            if (results.Environment.Problem is { } odd) throw new InputException($"{path}: contradicts itself: its environment {odd}");
            if (results.Cases.CountBy(c => c.Name).FirstOrDefault(c => c.Value > 1).Key is { } twice) throw new InputException($"{path}: case '{twice}' stands there twice");
            if (results.Cases.FirstOrDefault(c => c.Timeline is { IsWhole: false }) is { } torn) throw new InputException($"{path}: case '{torn.Name}' has a timeline whose columns differ in length, or whose time goes backward");
            // What several machines measured, they measured in one runtime.
            var outlives = results.Environment.RuntimeName == CgroupRuntime.RuntimeName;
            foreach (var one in results.Cases)
            {
                if (CaseContradictions.Of(one, outlives) is { } contradiction) throw new InputException($"{path}: case '{one.Name}' contradicts itself: it {contradiction}");
            }

            if ((results.Shard?.Problem(results) ?? MergedPart.Problem(results) ?? Advised(results)) is { } problem) throw new InputException($"{path}: {problem}");
            var named = results.Cases.Select(c => c.Name).ToHashSet(StringComparer.Ordinal);
            if (results.Skipped?.FirstOrDefault(s => !named.Add(s.Name)) is { } both)
                throw new InputException($"{path}: case '{NameList.Shortened(both.Name)}' contradicts itself: it was skipped, and {(results.Cases.Any(c => c.Name == both.Name) ? "measured" : "skipped again")}");
            return results;
        }
        catch (JsonException e)
        {
            throw new InputException(JsonFileProblem.Of(path, e, "holds no results of `loadline run`"));
        }
        // A text that is no Unicode.
        catch (InvalidOperationException e)
        {
            throw new InputException($"{path}: holds no results of `loadline run`: {JsonProblem.Of(e)}");
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

    /// <summary>Whether a file is empty or holds results, and so may be replaced by others.</summary>
    public static bool IsOne(string path)
    {
        try
        {
            return new FileInfo(path).Length == 0 || Read(path) is not null;
        }
        catch (InputException)
        {
            return false;
        }
    }

    /// <summary>Writes the file; nothing half-written ever stands under its name.</summary>
    /// <exception cref="IOException">The path cannot be written, or nobody would read what stood there.</exception>
    public void Write(string path)
    {
        // Case by case, as what was told of each was measured by itself.
        if (Cases.Sum(ExcessOf) + ExcessBytes(this with { Cases = [] }) > StrangersJson<ResultFile>.AlwaysBytes)
            throw new IOException($"{path}: is not written: its {Cases.Count} cases tell more values, or others, than results may hold that are read again");
        // In pieces: a stranger's texts may be as long as the file.
        WholeFile.Write(path, Cases.Count * BytesPerCase, stream => JsonSerializer.Serialize(stream, this, Written.ResultFile));
    }

    /// <summary>What a case takes to be read again beyond what its bytes in the file are good for; below zero where it takes less.</summary>
    public static long ExcessOf(CaseResult one) => ExcessBytes(new ResultFile(CurrentSchema, new RunEnvironment("", 0, "", "", null, null, 0, 0), [one]));

    private static long ExcessBytes(ResultFile results)
    {
        try
        {
            using var counted = new CountingStream();
            JsonSerializer.Serialize(counted, results, Written.ResultFile);
            // At once, and not doubled as it grows: texts may be as long as the file that they came from, and three times as long as they are written.
            var json = new byte[counted.Length];
            using var written = new MemoryStream(json);
            JsonSerializer.Serialize(written, results, Written.ResultFile);
            return Strangers.ExcessBytes(json);
        }
        catch (JsonException)
        {
            // Nobody would read a number that no type forbids, and no file can hold.
            return StrangersJson<ResultFile>.AlwaysBytes + 1;
        }
    }

    // What is advised was measured, and had room by its plan.
    private static string? Advised(ResultFile results) =>
        results.Take is not { } take || results.Cases.Any(c => c.Strategy == take && c.Outcome == Outcome.Loaded && c.PlannedCapBytes <= c.CapBytes)
            ? null
            : $"says to take '{NameList.Shortened(take)}', which no case of it loaded with room to spare";

    private static long? SchemaOf(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1 || !reader.ValueTextEquals("schema")) continue;
            return reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var schema) ? schema : null;
        }

        return null;
    }
}

/// <summary>JSON for results, without reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(LongStrings)])]
[JsonSerializable(typeof(ResultFile))]
internal sealed partial class ResultJson : JsonSerializerContext;
