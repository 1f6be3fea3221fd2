using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;

namespace Loadline.Strategies.Forward;

/// <summary>
/// Logits that another program computed: <c>{"input": [[1, 2, 3]], "logits": [[[…], […], […]]]}</c> in <c>CHECKPOINT.logits.json</c> beside the
/// checkpoint, or in the file of its name without the extension.
/// </summary>
public sealed class RecordedLogits
{
    // A million tokens.
    private const int MaxBytes = 100_000_000;

    private readonly string _path;
    private readonly float[][] _rows;

    private RecordedLogits(string path, float[][] rows) => (_path, _rows) = (path, rows);

    /// <summary>Where the logits of a checkpoint may lie, the likeliest first.</summary>
    public static IReadOnlyList<string> PathsFor(string checkpoint)
    {
        var path = Path.TrimEndingDirectorySeparator(checkpoint);
        return [path + ".logits.json", Path.ChangeExtension(path, ".logits.json")];
    }

    /// <summary>The logits beside a checkpoint, or null if there are none.</summary>
    /// <exception cref="CheckpointException">They are there but cannot be read.</exception>
    internal static RecordedLogits? Find(string checkpoint) => PathsFor(checkpoint).FirstOrDefault(File.Exists) is { } path ? Read(path) : null;

    /// <summary>Holds logits against these.</summary>
    /// <param name="logits">What was computed.</param>
    /// <param name="tolerance">How far they may lie apart, as a part of the largest recorded one.</param>
    /// <param name="apart">How far they lie apart at most.</param>
    /// <returns>What is wrong, or null.</returns>
    internal string? Difference(Logits logits, double tolerance, out double apart)
    {
        apart = double.NaN;
        if (_rows.Length != logits.Positions || _rows.Any(row => row.Length != logits.Vocabulary))
        {
            return $"{_path} has {_rows.Length} rows of {_rows.FirstOrDefault()?.Length ?? 0} logits, the forward {logits.Positions} of {logits.Vocabulary}";
        }

        var largest = _rows.Max(row => row.Max(MathF.Abs));
        var where = (Position: 0, Index: 0);
        apart = 0;
        for (var position = 0; position < logits.Positions; position++)
        {
            for (var index = 0; index < logits.Vocabulary; index++)
            {
                var here = Math.Abs((double)logits[position][index] - _rows[position][index]) / largest;
                if (here > apart) (apart, where) = (here, (position, index));
            }
        }

        return apart <= tolerance ? null : FormattableString.Invariant(
            $"logit {where.Index} of position {where.Position} is {logits[where.Position][where.Index]}, but {_path} has {_rows[where.Position][where.Index]}: {apart:0.0e+0} of the largest apart, allowed is {tolerance:0.0e+0}");
    }

    private static RecordedLogits Read(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(SourceFile.ReadWhole(path, MaxBytes, "the logits"));
            var input = json.RootElement.GetProperty("input").EnumerateArray().Single().EnumerateArray().Select(token => token.GetInt32());
            if (!input.SequenceEqual(Gpt2Forward.Input)) throw new FormatException("they are of another input than [[1, 2, 3]]");
            var rows = json.RootElement.GetProperty("logits").EnumerateArray().Single().EnumerateArray();
            return new RecordedLogits(path, [.. rows.Select(row => row.EnumerateArray().Select(logit => logit.GetSingle()).ToArray())]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new CheckpointException(CheckpointError.Malformed, path, $"holds no logits: {e.Message}", inner: e);
        }
    }
}
