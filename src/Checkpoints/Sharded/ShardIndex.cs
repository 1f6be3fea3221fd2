using System.Text.Json;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Json;

namespace Loadline.Checkpoints.Sharded;

/// <summary>
/// The index of a sharded checkpoint: <c>{"metadata": {…}, "weight_map": {"tensor": "file"}}</c>. Source: <c>save_pretrained</c> of Hugging Face
/// Transformers, whose two names for it are <c>model.safetensors.index.json</c> and <c>pytorch_model.bin.index.json</c>.
/// </summary>
/// <param name="Metadata">As text; what is no string as its JSON.</param>
/// <param name="Shards">The tensors of each shard by the shard's name, in the order of the names: that is the order in which they were written.</param>
internal sealed record ShardIndex(IReadOnlyDictionary<string, string> Metadata, SortedDictionary<string, HashSet<string>> Shards)
{
    // Half a million tensors; the largest models have a fifth of that.
    public const int MaxBytes = 50_000_000;

    /// <summary>What reading it takes: as of a safetensors header.</summary>
    public const int StepsPerByte = 2;

    // A dotted name and a shard's; 8 can be made to do, and of very many tensors none are that short.
    private const int BytesPerTensor = 80;

    // The largest models have some hundred. Each is a file to open.
    public const int MaxShards = 1 << 13;
    private const int MaxMetadata = 1 << 16;

    // PATH_MAX of Linux: no longer one can be opened.
    private const int MaxNameLength = 4096;

    /// <summary>Whether a file looks like an index: a JSON object that has an index's name, or its members near the start.</summary>
    public static bool Recognises(SourceFile file) =>
        file.Head.TrimStart(" \t\r\n"u8) is [(byte)'{', ..]
        && (HasName(file.Path) || file.Head.IndexOf("\"weight_map\""u8) >= 0 || file.Head.IndexOf("\"total_size\""u8) >= 0);

    /// <summary>Whether a path is named as an index is.</summary>
    public static bool HasName(string path) =>
        path.EndsWith(".safetensors.index.json", StringComparison.Ordinal) || path.EndsWith(".bin.index.json", StringComparison.Ordinal)
        // With a variant, as in model.safetensors.index.fp16.json.
        || (path.EndsWith(".json", StringComparison.Ordinal) && Path.GetFileName(path).Split('.') is [.., "safetensors" or "bin", "index", _, "json"]);

    public static ShardIndex Read(SourceFile file)
    {
        if (file.Length > MaxBytes) throw file.Refuse(CheckpointError.LimitExceeded, $"is an index of {file.Length} bytes, more than the limit of {MaxBytes}");
        using var json = new UnmanagedBytes((int)file.Length);
        file.Read(0, json.Span, "the index");
        file.Ledger.Work(StepsPerByte * file.Length);
        try
        {
            return Parse(file, json.Span);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CheckpointException(CheckpointError.Malformed, file.Path, $"the index is refused: {JsonProblem.Of(e)}", inner: e);
        }
    }

    private static ShardIndex Parse(SourceFile file, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        Dictionary<string, string>? metadata = null;
        SortedDictionary<string, HashSet<string>>? shards = null;
        JsonMembers.Expect(ref reader, JsonTokenType.StartObject, "an object");
        while (JsonMembers.Next(ref reader) is { } member)
        {
            // A member that comes twice could mean one thing to one reader and another to the next.
            if (member == "metadata") metadata = metadata is null ? ReadMetadata(ref reader, json) : throw Twice(member);
            else if (member == "weight_map") shards = shards is null ? ReadShards(file, ref reader) : throw Twice(member);
            else JsonMembers.Skip(ref reader);
        }

        JsonMembers.End(ref reader);
        return new ShardIndex(metadata ?? [], shards ?? throw file.Refuse(CheckpointError.Malformed, "the index has no weight_map"));
    }

    private static Dictionary<string, string> ReadMetadata(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var metadata = new Dictionary<string, string>();
        JsonMembers.Expect(ref reader, JsonTokenType.StartObject, "an object of metadata");
        while (JsonMembers.Next(ref reader) is { } name)
        {
            if (metadata.Count == MaxMetadata) throw new JsonException($"its metadata has more than {MaxMetadata} entries");
            if (!metadata.TryAdd(name, JsonMembers.AnyText(ref reader, json))) throw Twice(name);
        }

        return metadata;
    }

    private static SortedDictionary<string, HashSet<string>> ReadShards(SourceFile file, ref Utf8JsonReader reader)
    {
        var most = TensorLimit.Of(file.Length, BytesPerTensor);
        var names = new HashSet<string>();
        var shards = new SortedDictionary<string, HashSet<string>>(StringComparer.Ordinal);
        var last = "";
        JsonMembers.Expect(ref reader, JsonTokenType.StartObject, "an object of tensors");
        while (JsonMembers.Next(ref reader) is { } tensor)
        {
            if (names.Count == most) throw file.Refuse(CheckpointError.LimitExceeded, $"the index names more than {most} tensors in {file.Length} bytes");
            if (!names.Add(tensor)) throw Twice(tensor);
            JsonMembers.Expect(ref reader, JsonTokenType.String, $"the name of the shard of tensor '{tensor}'");
            // Mostly the one of the tensor before.
            if (!reader.ValueTextEquals(last)) last = reader.GetString()!;
            if (!shards.TryGetValue(last, out var tensors))
            {
                if (shards.Count == MaxShards) throw file.Refuse(CheckpointError.LimitExceeded, $"names more than {MaxShards} shards");
                CheckName(file, last);
                shards.Add(last, tensors = []);
            }

            tensors.Add(tensor);
        }

        return shards;
    }

    private static JsonException Twice(string name) => new($"'{name}' stands there twice");

    /// <summary>
    /// Names come from strangers: one that is absolute, or climbs by "..", could name any file of this machine. Symbolic links are the user's own, and
    /// how the Hugging Face cache is built: they are followed.
    /// </summary>
    internal static void CheckName(SourceFile file, string shard)
    {
        // Whoever looks for it again hashes it again: of a .metadata, for every part that lies there.
        if (shard.Length > MaxNameLength)
            throw file.Refuse(CheckpointError.LimitExceeded, $"names a shard by {shard.Length} characters, more than the limit of {MaxNameLength}");
        if (IsPlain(shard)) return;
        throw file.Refuse(CheckpointError.Malformed, $"names shard '{shard}', which is no plain path below the index's own folder");
    }

    private static bool IsPlain(ReadOnlySpan<char> path)
    {
        if (path.Contains('\0')) return false;
        foreach (var part in path.Split('/'))
        {
            if (path[part] is "" or "." or "..") return false;
        }

        return true;
    }
}
