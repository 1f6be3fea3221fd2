using System.Text.Json;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Json;

namespace Loadline.Forward;

/// <summary>
/// Logits that another program computed: <c>{"input": [[1, 2, 3]], "logits": [[[…], […], […]]]}</c> in <c>CHECKPOINT.logits.json</c> beside the
/// checkpoint, or in the file of its name without the extension.
/// </summary>
public sealed class RecordedLogits
{
    // A million tokens.
    private const int MaxBytes = 100_000_000;
    private const int MaxRows = 1 << 16;

    private readonly string _path;
    private readonly Batch _batch;

    private RecordedLogits(string path, Batch batch) => (_path, _batch) = (path, batch);

    /// <summary>Where the logits of a checkpoint may lie, the likeliest first.</summary>
    public static IReadOnlyList<string> PathsFor(string checkpoint)
    {
        var path = CheckpointPaths.Named(checkpoint);
        return [path + ".logits.json", Path.ChangeExtension(path, ".logits.json")];
    }

    /// <summary>The logits beside a checkpoint, or null if there are none.</summary>
    /// <param name="checkpoint">Its path.</param>
    /// <param name="positions">How many rows are compared: of further ones no number is read.</param>
    /// <param name="vocabulary">How many logits of a row.</param>
    /// <exception cref="CheckpointException">They are there but cannot be read.</exception>
    internal static RecordedLogits? Find(string checkpoint, int positions, int vocabulary) =>
        PathsFor(checkpoint).FirstOrDefault(Path.Exists) is { } path ? Read(path, positions, vocabulary) : null;

    /// <summary>Holds logits against these.</summary>
    /// <param name="logits">What was computed.</param>
    /// <param name="tolerance">How far they may lie apart, as a part of the largest recorded one.</param>
    /// <param name="apart">How far they lie apart at most.</param>
    /// <returns>What is wrong, or null.</returns>
    internal string? Difference(Logits logits, double tolerance, out double apart)
    {
        apart = double.NaN;
        var rows = _batch.Rows;
        if (_batch.RowCount != logits.Positions || rows.Exists(row => row.Length != logits.Vocabulary))
        {
            return $"{_path} has {_batch.RowCount} rows of {_batch.FirstLength} logits, the forward {logits.Positions} of {logits.Vocabulary}";
        }

        var largest = rows.Max(row => row.Max(MathF.Abs));
        var where = (Position: 0, Index: 0);
        apart = 0;
        for (var position = 0; position < logits.Positions; position++)
        {
            for (var index = 0; index < logits.Vocabulary; index++)
            {
                var here = Math.Abs((double)logits[position][index] - rows[position][index]) / largest;
                if (here > apart) (apart, where) = (here, (position, index));
            }
        }

        return apart <= tolerance ? null : FormattableString.Invariant(
            $"logit {where.Index} of position {where.Position} is {logits[where.Position][where.Index]}, but {_path} has {rows[where.Position][where.Index]}: {apart:0.0e+0} of the largest apart, allowed is {tolerance:0.0e+0}");
    }

    private static RecordedLogits Read(string path, int positions, int vocabulary)
    {
        var json = SourceFile.ReadWhole(path, MaxBytes, "the logits");
        try
        {
            return new RecordedLogits(path, ReadLogits(json, positions, vocabulary));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new CheckpointException(CheckpointError.Malformed, path, $"holds no logits: {JsonProblem.Of(e)}", inner: e);
        }
    }

    private static Batch ReadLogits(ReadOnlySpan<byte> json, int positions, int vocabulary)
    {
        var reader = new Utf8JsonReader(json);
        Batch? input = null, logits = null;
        JsonMembers.Expect(ref reader, JsonTokenType.StartObject, "an object");
        while (JsonMembers.Next(ref reader) is { } member)
        {
            // What comes twice could be one thing to one reader and another to the next.
            if ((member == "input" && input is not null) || (member == "logits" && logits is not null)) throw new FormatException($"'{member}' stands there twice");
            if (member == "input") input = ReadBatch(ref reader, 1, Gpt2Forward.Input.Count);
            else if (member == "logits") logits = ReadBatch(ref reader, positions, vocabulary);
            else JsonMembers.Skip(ref reader);
        }

        JsonMembers.End(ref reader);
        if (input is not { RowCount: 1, Rows: [var tokens] } || !tokens.SequenceEqual(Gpt2Forward.Input.Select(token => (float)token)))
            throw new FormatException("they are of another input than [[1, 2, 3]]");
        return logits ?? throw new FormatException("there are no logits");
    }

    // [[1, 2, 3]], or [[[…], […], […]]]: a batch of one, in either case rows of numbers.
    private static Batch ReadBatch(ref Utf8JsonReader reader, int mostRows, int mostOfRow)
    {
        var batch = new Batch();
        JsonMembers.Expect(ref reader, JsonTokenType.StartArray, "a batch");
        reader.Read();
        if (reader.TokenType == JsonTokenType.EndArray) return batch;
        if (reader.TokenType != JsonTokenType.StartArray) throw new FormatException("they are no batch");
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray) AddRow(ref reader, batch, mostOfRow);
        else
        {
            for (; reader.TokenType == JsonTokenType.StartArray; reader.Read())
            {
                if (batch.RowCount == MaxRows) throw new FormatException($"they have more than {MaxRows} rows");
                if (batch.Rows.Count == mostRows)
                {
                    reader.Skip();
                    batch.RowCount++;
                    continue;
                }

                reader.Read();
                AddRow(ref reader, batch, mostOfRow);
            }
        }

        JsonMembers.Expect(ref reader, JsonTokenType.EndArray, "a batch of one");
        return batch;
    }

    // From its first number on to its end. One that is too long is another: its numbers are counted, and none is kept.
    private static void AddRow(ref Utf8JsonReader reader, Batch batch, int most)
    {
        var row = new List<float>();
        var count = 0;
        for (; reader.TokenType != JsonTokenType.EndArray; reader.Read(), count++)
        {
            if (count >= most)
            {
                reader.Skip();
                continue;
            }

            var number = reader.GetSingle();
            // Beside an infinite one every difference is none.
            if (!float.IsFinite(number)) throw new FormatException("a number is too large for float32");
            row.Add(number);
        }

        if (batch.RowCount == 0) batch.FirstLength = count;
        batch.Rows.Add(count > most ? [] : [.. row]);
        batch.RowCount++;
    }

    /// <summary>Rows of numbers: of those that are compared the numbers, of all how many there are.</summary>
    private sealed class Batch
    {
        public List<float[]> Rows { get; } = [];

        public int RowCount { get; set; }

        public int FirstLength { get; set; }
    }
}
