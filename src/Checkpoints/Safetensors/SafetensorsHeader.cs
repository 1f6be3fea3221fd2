using System.Text.Json;

namespace Loadline.Checkpoints.Safetensors;

/// <summary>
/// The JSON of a header. The rules are those of the reference, which leaves them to serde: unknown fields are skipped, a field twice is refused,
/// <c>__metadata__</c> may be null, a tensor may be an array of its three fields, a dtype an object with the name as its only key.
/// </summary>
/// <exception cref="JsonException">The JSON is malformed or not what a header has.</exception>
/// <exception cref="InvalidOperationException">A string is no valid Unicode.</exception>
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

    private static readonly DType[] DTypes = [.. DType.All.Where(d => d.SafetensorsName is not null)];

    public List<DeclaredTensor> Tensors { get; } = [];

    public Dictionary<string, string> Metadata { get; } = [];

    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        var header = new SafetensorsHeader();
        var maxTensors = TensorLimit.Of(json.Length, BytesPerTensor);
        Expect(ref reader, JsonTokenType.StartObject, "an object");
        var seenMetadata = false;
        var dimensions = 0L;
        while (ReadName(ref reader) is { } name)
        {
            if (name != "__metadata__")
            {
                if (header.Tensors.Count == maxTensors) throw new JsonException($"more than {maxTensors} tensors in {json.Length} bytes");
                var tensor = ReadTensor(ref reader, name, header.Tensors.Count);
                header.Tensors.Add(tensor);
                dimensions += tensor.Shape.Length;
                if (dimensions > TensorLimit.Dimensions(header.Tensors.Count))
                    throw new JsonException($"{dimensions} dimensions in {header.Tensors.Count} tensors, more than any model has");
            }
            else if (seenMetadata) throw new JsonException("__metadata__ stands there twice");
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

    private static DeclaredTensor ReadTensor(ref Utf8JsonReader reader, string name, int index)
    {
        DType? dtype = null;
        long[]? shape = null;
        (ulong Begin, ulong End)? offsets = null;
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            (dtype, shape, offsets) = (ReadDType(ref reader), ReadShape(ref reader), ReadOffsets(ref reader));
            Expect(ref reader, JsonTokenType.EndArray, "three fields");
        }
        else if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                // Of a hundred thousand tensors, three strings each would be a quarter of what opening allocates.
                if (reader.ValueTextEquals("dtype"u8)) dtype = dtype is null ? ReadDType(ref reader) : throw Twice(name, "dtype");
                else if (reader.ValueTextEquals("shape"u8)) shape = shape is null ? ReadShape(ref reader) : throw Twice(name, "shape");
                else if (reader.ValueTextEquals("data_offsets"u8)) offsets = offsets is null ? ReadOffsets(ref reader) : throw Twice(name, "data_offsets");
                else SkipField(ref reader);
            }
        }

        return dtype is not null && shape is not null && offsets is var (begin, end)
            ? new DeclaredTensor(name, index, dtype, shape, begin, end)
            : throw new JsonException($"tensor '{name}' lacks dtype, shape or data_offsets");
    }

    private static JsonException Twice(string tensor, string field) => new($"tensor '{tensor}' has its {field} twice");

    private static DType ReadDType(ref Utf8JsonReader reader)
    {
        reader.Read();
        var wrapped = reader.TokenType == JsonTokenType.StartObject;
        if (wrapped) Expect(ref reader, JsonTokenType.PropertyName, "a dtype");
        else if (reader.TokenType != JsonTokenType.String) throw new JsonException("a dtype is no string");
        if (reader.ValueSpan.Length > MaxDTypeBytes) throw new JsonException($"the format has no dtype whose name has {reader.ValueSpan.Length} bytes");
        var dtype = FindDType(ref reader);
        if (wrapped)
        {
            Expect(ref reader, JsonTokenType.Null, "null");
            Expect(ref reader, JsonTokenType.EndObject, "one dtype");
        }

        return dtype;
    }

    private static DType FindDType(ref Utf8JsonReader reader)
    {
        foreach (var dtype in DTypes)
        {
            if (reader.ValueTextEquals(dtype.SafetensorsName)) return dtype;
        }

        throw new JsonException($"the format has no dtype '{reader.GetString()}'");
    }

    private static long[] ReadShape(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartArray, "a list of sizes");
        Span<long> buffer = stackalloc long[8];
        List<long>? more = null;
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var size = (long)Math.Min(ReadNumber(ref reader), long.MaxValue);
            if (count < buffer.Length) buffer[count++] = size;
            else if (count + (more ??= []).Count < TensorLimit.MaxRank) more.Add(size);
            else throw new JsonException($"a shape has more than {TensorLimit.MaxRank} dimensions");
        }

        return more is null ? buffer[..count].ToArray() : [.. buffer, .. more];
    }

    private static (ulong Begin, ulong End) ReadOffsets(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartArray, "two offsets");
        reader.Read();
        var begin = ReadNumber(ref reader);
        reader.Read();
        var end = ReadNumber(ref reader);
        Expect(ref reader, JsonTokenType.EndArray, "two offsets");
        return (begin, end);
    }

    private static ulong ReadNumber(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out var number) && reader.ValueSpan is not [(byte)'-', ..]
            ? number
            : throw new JsonException("a size or offset is no whole number from 0 to 2^64 - 1");

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return;
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("__metadata__ is no object");
        while (ReadName(ref reader) is { } key)
        {
            Expect(ref reader, JsonTokenType.String, "a string in __metadata__");
            if (Metadata.Count == MaxMetadata) throw new JsonException($"__metadata__ has more than {MaxMetadata} entries");
            Metadata[key] = reader.GetString()!;
        }
    }

    private static string? ReadName(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.PropertyName) return null;
        RequireLength(ref reader);
        return reader.GetString();
    }

    private static void RequireLength(ref Utf8JsonReader reader)
    {
        if (reader.ValueSpan.Length > MaxNameBytes) throw new JsonException($"a name of {reader.ValueSpan.Length} bytes is longer than the limit of {MaxNameBytes}");
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (!reader.Read() || reader.TokenType != type) throw new JsonException($"expected {what}, found {reader.TokenType}");
    }

    /// <summary>Skips an unknown field, but reads what it skips: the reference refuses broken strings and infinite numbers there too.</summary>
    private static void SkipField(ref Utf8JsonReader reader)
    {
        RequireLength(ref reader);
        _ = reader.GetString();
        reader.Read();
        var depth = reader.CurrentDepth;
        do
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName) _ = reader.GetString();
            if (reader.TokenType == JsonTokenType.Number && !double.IsFinite(reader.GetDouble())) throw new JsonException("a number is too large");
        }
        while ((reader.CurrentDepth > depth || reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject) && reader.Read());
    }
}
