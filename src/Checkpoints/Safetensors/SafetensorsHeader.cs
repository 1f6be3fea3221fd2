using Loadline.Checkpoints.Json;

namespace Loadline.Checkpoints.Safetensors;

/// <summary>
/// The JSON of a header. The rules are those of the reference, which leaves them to serde: unknown fields are skipped, a field twice is refused,
/// <c>__metadata__</c> may be null, a tensor may be an array of its three fields, a dtype an object with the name as its only key.
/// </summary>
/// <exception cref="FormatException">The JSON is malformed or not what a header has.</exception>
internal sealed class SafetensorsHeader
{
    // serde_json allows 127 levels.
    private const int MaxDepth = 127;

    // Longer than any name in use, and short enough for a dozen copies in messages and tables.
    private const int MaxNameBytes = 1 << 16;
    private const int MaxDTypeBytes = 32;

    // No file has more than a few dozen entries.
    private const int MaxMetadata = 1 << 16;

    // As writers write it: 21 can be made to do.
    private const int BytesPerTensor = 48;

    public List<DeclaredTensor> Tensors { get; } = [];

    public Dictionary<string, string> Metadata { get; } = [];

    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json)
    {
        var reader = new JsonTokens(json, MaxDepth);
        var header = new SafetensorsHeader();
        var maxTensors = TensorLimit.Of(json.Length, BytesPerTensor);
        Expect(ref reader, JsonToken.StartObject, "an object");
        var seenMetadata = false;
        var dimensions = 0L;
        while (ReadName(ref reader) is { } name)
        {
            if (name != "__metadata__")
            {
                if (header.Tensors.Count == maxTensors) throw new FormatException($"more than {maxTensors} tensors in {json.Length} bytes");
                var tensor = ReadTensor(ref reader, name, header.Tensors.Count);
                header.Tensors.Add(tensor);
                dimensions += tensor.Shape.Length;
                if (dimensions > TensorLimit.Dimensions(header.Tensors.Count))
                    throw new FormatException($"{dimensions} dimensions in {header.Tensors.Count} tensors, more than any model has");
            }
            else if (seenMetadata) throw new FormatException("__metadata__ stands there twice");
            else
            {
                seenMetadata = true;
                header.ReadMetadata(ref reader);
            }
        }

        // Only white space may follow: the reader throws if there is more.
        reader.Read();
        return header;
    }

    private static DeclaredTensor ReadTensor(ref JsonTokens reader, string name, int index)
    {
        DType? dtype = null;
        long[]? shape = null;
        (ulong Begin, ulong End)? offsets = null;
        reader.Read();
        if (reader.TokenType == JsonToken.StartArray)
        {
            (dtype, shape, offsets) = (ReadDType(ref reader), ReadShape(ref reader), ReadOffsets(ref reader));
            Expect(ref reader, JsonToken.EndArray, "three fields");
        }
        else if (reader.TokenType == JsonToken.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonToken.PropertyName)
            {
                // Of a hundred thousand tensors, three strings each would be a quarter of what opening allocates.
                if (reader.ValueTextEquals("dtype")) dtype = dtype is null ? ReadDType(ref reader) : throw Twice(name, "dtype");
                else if (reader.ValueTextEquals("shape")) shape = shape is null ? ReadShape(ref reader) : throw Twice(name, "shape");
                else if (reader.ValueTextEquals("data_offsets")) offsets = offsets is null ? ReadOffsets(ref reader) : throw Twice(name, "data_offsets");
                else SkipField(ref reader);
            }
        }

        return dtype is not null && shape is not null && offsets is var (begin, end)
            ? new DeclaredTensor(name, index, dtype, shape, begin, end)
            : throw new FormatException($"tensor '{name}' lacks dtype, shape or data_offsets");
    }

    private static FormatException Twice(string tensor, string field) => new($"tensor '{tensor}' has its {field} twice");

    private static DType ReadDType(ref JsonTokens reader)
    {
        reader.Read();
        var wrapped = reader.TokenType == JsonToken.StartObject;
        if (wrapped) Expect(ref reader, JsonToken.PropertyName, "a dtype");
        else if (reader.TokenType != JsonToken.String) throw new FormatException("a dtype is no string");
        if (reader.ValueSpan.Length > MaxDTypeBytes) throw new FormatException($"the format has no dtype whose name has {reader.ValueSpan.Length} bytes");
        var dtype = FindDType(ref reader);
        if (wrapped)
        {
            Expect(ref reader, JsonToken.Null, "null");
            Expect(ref reader, JsonToken.EndObject, "one dtype");
        }

        return dtype;
    }

    private static DType FindDType(ref JsonTokens reader)
    {
        // By number: an enumerator for each tensor would be garbage.
        for (var i = 0; i < DType.All.Count; i++)
        {
            var dtype = DType.All[i];
            if (dtype.SafetensorsName is { } name && reader.ValueTextEquals(name)) return dtype;
        }

        throw new FormatException($"the format has no dtype '{reader.GetString()}'");
    }

    private static long[] ReadShape(ref JsonTokens reader)
    {
        Expect(ref reader, JsonToken.StartArray, "a list of sizes");
        Span<long> buffer = stackalloc long[8];
        List<long>? more = null;
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonToken.EndArray)
        {
            if (ReadNumber(ref reader) is not (<= long.MaxValue and var number)) throw new FormatException("a size is larger than any that a tensor can have");
            var size = (long)number;
            if (count < buffer.Length) buffer[count++] = size;
            else if (count + (more ??= []).Count < TensorLimit.MaxRank) more.Add(size);
            else throw new FormatException($"a shape has more than {TensorLimit.MaxRank} dimensions");
        }

        return more is null ? buffer[..count].ToArray() : [.. buffer, .. more];
    }

    private static (ulong Begin, ulong End) ReadOffsets(ref JsonTokens reader)
    {
        Expect(ref reader, JsonToken.StartArray, "two offsets");
        reader.Read();
        var begin = ReadNumber(ref reader);
        reader.Read();
        var end = ReadNumber(ref reader);
        Expect(ref reader, JsonToken.EndArray, "two offsets");
        return (begin, end);
    }

    private static ulong ReadNumber(ref JsonTokens reader) =>
        reader.TokenType == JsonToken.Number && reader.TryGetUInt64(out var number) && reader.ValueSpan is not [(byte)'-', ..]
            ? number
            : throw new FormatException("a size or offset is no whole number from 0 to 2^64 - 1");

    private void ReadMetadata(ref JsonTokens reader)
    {
        reader.Read();
        if (reader.TokenType == JsonToken.Null) return;
        if (reader.TokenType != JsonToken.StartObject) throw new FormatException("__metadata__ is no object");
        while (ReadName(ref reader) is { } key)
        {
            Expect(ref reader, JsonToken.String, "a string in __metadata__");
            if (Metadata.Count == MaxMetadata) throw new FormatException($"__metadata__ has more than {MaxMetadata} entries");
            Metadata[key] = reader.GetString();
        }
    }

    private static string? ReadName(ref JsonTokens reader)
    {
        reader.Read();
        if (reader.TokenType != JsonToken.PropertyName) return null;
        RequireLength(ref reader);
        return reader.GetString();
    }

    private static void RequireLength(ref JsonTokens reader)
    {
        if (reader.ValueSpan.Length > MaxNameBytes) throw new FormatException($"a name of {reader.ValueSpan.Length} bytes is longer than the limit of {MaxNameBytes}");
    }

    private static void Expect(ref JsonTokens reader, JsonToken type, string what)
    {
        if (!reader.Read() || reader.TokenType != type) throw new FormatException($"expected {what}, found {reader.TokenType}");
    }

    /// <summary>Skips an unknown field, but reads what it skips: the reference refuses broken strings and infinite numbers there too.</summary>
    private static void SkipField(ref JsonTokens reader)
    {
        RequireLength(ref reader);
        _ = reader.GetString();
        reader.Read();
        var depth = reader.CurrentDepth;
        do
        {
            if (reader.TokenType is JsonToken.String or JsonToken.PropertyName) _ = reader.GetString();
            if (reader.TokenType == JsonToken.Number && !double.IsFinite(reader.GetDouble())) throw new FormatException("a number is too large");
        }
        while ((reader.CurrentDepth > depth || reader.TokenType is JsonToken.StartArray or JsonToken.StartObject) && reader.Read());
    }
}
