using System.Collections.Immutable;
using System.Text.Json;
using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints;

/// <summary>What a tensor should be.</summary>
/// <param name="DType">The element type, by PyTorch's name.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Sha256">SHA-256 of the bytes laid out without gaps, little-endian, in lower-case hex.</param>
public sealed record TensorDigest(string DType, ImmutableArray<long> Shape, string Sha256);

/// <summary>
/// Recorded digests of a checkpoint's tensors: <c>{"tensor": {"dtype", "sha256", "shape"}}</c> in <c>CHECKPOINT.digests.json</c> beside it, or, for
/// fixtures, one such object for each file in <c>expected.json</c> of the same folder.
/// </summary>
public static class Digests
{
    // A million tensors.
    private const int MaxBytes = 200_000_000;

    /// <summary>Where a checkpoint's own digests are kept.</summary>
    public static string PathFor(string checkpoint) => Path.TrimEndingDirectorySeparator(checkpoint) + ".digests.json";

    /// <summary>The digests recorded beside a checkpoint, by tensor, or null if there are none.</summary>
    /// <exception cref="CheckpointException">The record is there but cannot be read.</exception>
    public static IReadOnlyDictionary<string, TensorDigest>? Find(string checkpoint)
    {
        var own = PathFor(checkpoint);
        if (File.Exists(own)) return Read(own, key: null);
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(checkpoint));
        var shared = Path.Combine(Path.GetDirectoryName(full) ?? "/", "expected.json");
        return File.Exists(shared) ? Read(shared, Path.GetFileName(full)) : null;
    }

    /// <summary>Records digests beside a checkpoint, in one step.</summary>
    /// <exception cref="IOException">The file cannot be written; for a full disk the message has the bytes needed and free.</exception>
    public static void Write(string checkpoint, IReadOnlyDictionary<string, TensorDigest> digests)
    {
        var path = new PendingPath(PathFor(checkpoint));
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            foreach (var (name, digest) in digests) Write(json, name, digest);
            json.WriteEndObject();
        }

        try
        {
            File.WriteAllBytes(path.Temporary, text.GetBuffer().AsSpan(0, (int)text.Length));
            path.CommitFile();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiskSpace.Explain(path.Target, text.Length, e);
        }
        finally
        {
            path.Remove();
        }
    }

    private static void Write(Utf8JsonWriter json, string name, TensorDigest digest)
    {
        json.WriteStartObject(name);
        json.WriteString("dtype", digest.DType);
        json.WriteString("sha256", digest.Sha256);
        json.WriteStartArray("shape");
        foreach (var size in digest.Shape) json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static Dictionary<string, TensorDigest>? Read(string path, string? key)
    {
        try
        {
            using var json = JsonDocument.Parse(SourceFile.ReadWhole(path, MaxBytes, "the digests"));
            var tensors = json.RootElement;
            if (key is not null && !tensors.TryGetProperty(key, out tensors)) return null;
            var digests = new Dictionary<string, TensorDigest>();
            foreach (var tensor in tensors.EnumerateObject()) digests[tensor.Name] = ReadOne(tensor.Value);
            return digests;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new CheckpointException(CheckpointError.Malformed, path, $"holds no digests: {e.Message}", inner: e);
        }
    }

    private static TensorDigest ReadOne(JsonElement tensor) => new(
        tensor.GetProperty("dtype").GetString()!,
        [.. tensor.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64())],
        tensor.GetProperty("sha256").GetString() ?? throw new FormatException("a sha256 is null"));
}
