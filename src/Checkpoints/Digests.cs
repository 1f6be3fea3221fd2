using System.Collections.Immutable;
using System.Text.Json;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Json;

namespace Loadline.Checkpoints;

/// <summary>What a tensor should be.</summary>
/// <param name="DType">The element type, by PyTorch's name.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Sha256">SHA-256 of the bytes laid out without gaps, little-endian, in lower-case hex.</param>
public sealed record TensorDigest(string DType, ImmutableArray<long> Shape, string Sha256);

/// <summary>What is recorded of a checkpoint that is open.</summary>
/// <param name="Tensors">Of its tensors, by the names in the file.</param>
/// <param name="Other">The first name in the record that is none of theirs; null where there is none.</param>
internal sealed record RecordedDigests(IReadOnlyDictionary<string, TensorDigest> Tensors, string? Other);

/// <summary>
/// Recorded digests of a checkpoint's tensors: <c>{"tensor": {"dtype", "sha256", "shape"}}</c> in <c>CHECKPOINT.digests.json</c> beside it, or, for
/// fixtures, one such object for each file in <c>expected.json</c> of the same folder.
/// </summary>
public static class Digests
{
    // As much as any header or pickle: some hundred thousand tensors.
    private const int MaxBytes = 100_000_000;

    // Of SHA-256, in hex.
    private const int DigestLength = 64;
    private const int MaxDTypeBytes = 32;

    // The digits, and the names of its members.
    private const int BytesPerTensor = DigestLength + 32;

    /// <summary>Where a checkpoint's own digests are kept.</summary>
    public static string PathFor(string checkpoint) => CheckpointPaths.Named(checkpoint) + ".digests.json";

    /// <summary>The digests recorded beside a checkpoint, by tensor, or null if there are none.</summary>
    /// <exception cref="CheckpointException">The record is there but cannot be read.</exception>
    public static IReadOnlyDictionary<string, TensorDigest>? Find(string checkpoint) => Find(checkpoint, wanted: null)?.Tensors;

    /// <summary>The same of the tensors that it has: what a record says of others is passed over, so that it makes no more work than these are good for.</summary>
    /// <exception cref="CheckpointException">As there.</exception>
    internal static RecordedDigests? Find(Checkpoint checkpoint) => Find(checkpoint.Path, checkpoint);

    private static RecordedDigests? Find(string checkpoint, Checkpoint? wanted)
    {
        var own = PathFor(checkpoint);
        // Whatever stands there is said to be read, or why it is not.
        if (Path.Exists(own)) return Read(own, key: null, wanted);
        var full = Path.GetFullPath(CheckpointPaths.Named(checkpoint));
        var shared = Path.Combine(Path.GetDirectoryName(full) ?? "/", "expected.json");
        return Path.Exists(shared) ? Read(shared, Path.GetFileName(full), wanted) : null;
    }

    /// <summary>Records digests beside a checkpoint, in one step.</summary>
    /// <exception cref="IOException">The file cannot be written; for a full disk the message has the bytes needed and free.</exception>
    public static void Write(string checkpoint, IReadOnlyDictionary<string, TensorDigest> digests)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            foreach (var (name, digest) in digests) Write(json, name, digest);
            json.WriteEndObject();
        }

        WholeFile.Write(PathFor(checkpoint), text.GetBuffer().AsSpan(0, (int)text.Length));
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

    private static RecordedDigests? Read(string path, string? key, Checkpoint? checkpoint)
    {
        var json = SourceFile.ReadWhole(path, MaxBytes, "the digests");
        var wanted = checkpoint?.Entries.Select(entry => entry.StoredName).ToHashSet();
        try
        {
            var reader = new Utf8JsonReader(json);
            if (key is not null) return Find(ref reader, key, json.Length, wanted);
            var own = ReadAll(ref reader, json.Length, wanted);
            JsonMembers.End(ref reader);
            return own;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            var hint = key is null ? "" : $": if it is another program's, rename it, for {Path.GetFileName(path)} beside a checkpoint is where digests are looked for";
            throw new CheckpointException(CheckpointError.Malformed, path, $"holds no digests: {JsonProblem.Of(e)}{hint}", inner: e);
        }
    }

    private static RecordedDigests? Find(ref Utf8JsonReader reader, string key, int fileBytes, HashSet<string>? wanted)
    {
        RecordedDigests? found = null;
        // A list, or a number: other programs have files of that name, too.
        if (reader.Read() && reader.TokenType != JsonTokenType.StartObject) return null;
        while (JsonMembers.Next(ref reader) is { } file)
        {
            if (file == key) found = found is null ? ReadAll(ref reader, fileBytes, wanted) : throw Twice(file);
            else JsonMembers.Skip(ref reader);
        }

        JsonMembers.End(ref reader);
        return found;
    }

    // What stands there twice could condemn a tensor to one reader and pass it to the next.
    private static RecordedDigests ReadAll(ref Utf8JsonReader reader, int fileBytes, HashSet<string>? wanted)
    {
        var most = TensorLimit.Of(fileBytes, BytesPerTensor);
        var digests = new Dictionary<string, TensorDigest>();
        string? other = null;
        JsonMembers.Expect(ref reader, JsonTokenType.StartObject, "an object of tensors");
        for (var count = 0; JsonMembers.Next(ref reader) is { } tensor; count++)
        {
            if (count == most) throw new FormatException($"{fileBytes} bytes record more than {most} tensors");
            if (wanted is null || wanted.Contains(tensor))
            {
                if (!digests.TryAdd(tensor, ReadOne(ref reader, tensor))) throw Twice(tensor);
            }
            else
            {
                other ??= tensor;
                JsonMembers.Skip(ref reader);
            }
        }

        return new RecordedDigests(digests, other);
    }

    private static FormatException Twice(string name) => new($"'{name}' stands there twice");

    private static TensorDigest ReadOne(ref Utf8JsonReader reader, string tensor)
    {
        string? dtype = null, sha256 = null;
        ImmutableArray<long>? shape = null;
        JsonMembers.Expect(ref reader, JsonTokenType.StartObject, $"dtype, sha256 and shape of tensor '{tensor}'");
        while (JsonMembers.Next(ref reader) is { } member)
        {
            if (member == "dtype" ? dtype is not null : member == "sha256" ? sha256 is not null : member == "shape" && shape is not null) throw Twice(member);
            if (member == "dtype") dtype = KnownName(JsonMembers.Text(ref reader, "a dtype", MaxDTypeBytes));
            else if (member == "sha256") sha256 = Whole(JsonMembers.Text(ref reader, "a sha256", DigestLength), tensor);
            else if (member == "shape") shape = ReadShape(ref reader);
            else JsonMembers.Skip(ref reader);
        }

        return dtype is not null && sha256 is not null && shape is { } sizes
            ? new TensorDigest(dtype, sizes, sha256)
            : throw new FormatException($"tensor '{tensor}' lacks dtype, sha256 or shape");
    }

    private static string Whole(string sha256, string tensor) =>
        sha256.Length == DigestLength ? sha256 : throw new FormatException($"tensor '{tensor}' has a sha256 of {sha256.Length} digits, and not of {DigestLength}");

    // One string for all tensors of a dtype.
    private static string KnownName(string dtype) => DType.TryParse(dtype, out var known) ? known.Name : dtype;

    private static ImmutableArray<long> ReadShape(ref Utf8JsonReader reader)
    {
        Span<long> sizes = stackalloc long[TensorLimit.MaxRank];
        var rank = 0;
        JsonMembers.Expect(ref reader, JsonTokenType.StartArray, "a list of sizes");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (rank == sizes.Length) throw new FormatException($"a shape has more than {sizes.Length} dimensions");
            sizes[rank++] = reader.GetInt64();
        }

        return [.. sizes[..rank]];
    }
}
