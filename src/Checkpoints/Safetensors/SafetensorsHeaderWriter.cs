using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Json;

namespace Loadline.Checkpoints.Safetensors;

/// <summary>The JSON of a header, padded with spaces to a multiple of eight so that the tensors behind it start aligned, as the reference does.</summary>
internal static class SafetensorsHeaderWriter
{
    /// <summary>Writes the eight bytes of the length and the header itself.</summary>
    public static void Write(OutputFile output, ReadOnlySpan<byte> header)
    {
        Span<byte> length = stackalloc byte[SafetensorsReader.LengthBytes];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        output.Write(length);
        output.Write(header);
    }

    public static ReadOnlySpan<byte> Make(string path, IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        // Twice: names and metadata may be escaped to many times what they were, and how long it gets is known before there is room for it.
        using var counted = new CountingStream();
        WriteHeader(counted, tensors, metadata);
        var padded = counted.Length + (-counted.Length & 7);
        if (padded > SafetensorsReader.MaxHeaderBytes)
            throw new CheckpointException(CheckpointError.LimitExceeded, path, $"would have a header of {padded} bytes, but readers accept {SafetensorsReader.MaxHeaderBytes}");
        var header = new byte[padded];
        header.AsSpan((int)counted.Length).Fill((byte)' ');
        using var written = new MemoryStream(header);
        WriteHeader(written, tensors, metadata);
        return header;
    }

    private static void WriteHeader(Stream output, IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        if (metadata is { Count: > 0 }) WriteMetadata(json, metadata);
        long offset = 0;
        foreach (var tensor in tensors) WriteTensor(json, tensor, ref offset);
        json.WriteEndObject();
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject("__metadata__");
        foreach (var (key, value) in metadata)
        {
            json.WritePropertyName(key);
            json.WriteLong(value);
            json.FlushMuch();
        }

        json.WriteEndObject();
    }

    private static void WriteTensor(Utf8JsonWriter json, TensorDeclaration tensor, ref long offset)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", tensor.DType.SafetensorsName);
        json.WriteStartArray("shape");
        foreach (var size in tensor.Shape) json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset += tensor.ByteCount);
        json.WriteEndArray();
        json.WriteEndObject();
        json.FlushMuch();
    }
}
