using Loadline.Checkpoints.Dat;
using Loadline.Checkpoints.Distributed;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Formats;
using Loadline.Checkpoints.PerTensor;
using Loadline.Checkpoints.Pth;
using Loadline.Checkpoints.Safetensors;
using Loadline.Checkpoints.Sharded;
using Loadline.Checkpoints.Writing;

namespace Loadline.Checkpoints;

/// <summary>
/// Writes a checkpoint front to back in bounded memory: all tensors are declared first, then their bytes follow in the order declared
/// (tensors that share with an earlier one have none), in pieces of any size. Nothing stands under the final name before
/// <see cref="Commit"/>; disposing without it removes what was written.
/// </summary>
public sealed class CheckpointWriter : IDisposable
{
    /// <summary>What a shard of a <see cref="CheckpointFormat.Sharded"/> checkpoint holds at most unless another size is asked for.</summary>
    public const long DefaultShardBytes = 5 * ByteSize.GiB;

    private readonly StreamedWriter _writer;
    private readonly CheckpointFormat _format;
    private readonly string _path;
    private readonly PendingPath _pending;

    private CheckpointWriter(StreamedWriter writer, CheckpointFormat format, string path, PendingPath pending) =>
        (_writer, _format, _path, _pending) = (writer, format, path, pending);

    /// <summary>
    /// Starts a checkpoint; an existing file or folder of that name is replaced at <see cref="Commit"/>, and leaves its permissions to the new one.
    /// A link is replaced itself: what it leads to stays as it is.
    /// </summary>
    /// <param name="path">The file, or for <see cref="CheckpointFormat.PerTensor"/> and <see cref="CheckpointFormat.Sharded"/> the folder.</param>
    /// <param name="format">What to write.</param>
    /// <param name="tensors">All tensors, in the order in which their bytes will come.</param>
    /// <param name="metadata">For the <c>__metadata__</c> of safetensors, of each shard too; the other formats have no place for it and leave it out.</param>
    /// <param name="sparse">Most of it will be holes: the disk is not asked beforehand whether all of it would fit.</param>
    /// <param name="shardBytes">What a shard holds at most; a larger tensor has a shard of its own.</param>
    /// <param name="pendingPath">The name until <see cref="Commit"/>, beside the final one; null takes a name that nobody else has.</param>
    /// <exception cref="ArgumentException">Something is null, shards of less than a byte are asked for, or the format is read, but not written.</exception>
    /// <exception cref="CheckpointException">The format cannot hold one of the tensors, or two have the same name.</exception>
    /// <exception cref="IOException">The target cannot be written; the message names it, and for a full disk the bytes needed and free.</exception>
    public static CheckpointWriter Create(
        string path, CheckpointFormat format, IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata = null,
        bool sparse = false, long shardBytes = DefaultShardBytes, string? pendingPath = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        RequireAll(format, tensors, metadata);
        ArgumentOutOfRangeException.ThrowIfLessThan(shardBytes, 1);
        var bytes = DeclarationChecks.Check(path, format, tensors);
        if (!sparse) DiskSpace.Require(path, bytes);
        if (format is not (CheckpointFormat.PerTensor or CheckpointFormat.Sharded)) RequireFileName(path);
        // Whatever stands there would be replaced by it.
        else if (format == CheckpointFormat.PerTensor && tensors.Count == 0)
            throw new CheckpointException(CheckpointError.Unsupported, path, "would have no tensor, and a folder without files is no checkpoint: write another format");
        var pending = new PendingPath(path, pendingPath);
        return new CheckpointWriter(format switch
        {
            CheckpointFormat.Pth => new PthWriter(pending, tensors, bytes),
            CheckpointFormat.Safetensors => new SafetensorsWriter(pending, tensors, metadata, bytes),
            CheckpointFormat.Sharded => new ShardedWriter(pending, tensors, metadata, shardBytes, bytes),
            CheckpointFormat.PerTensor => new PerTensorWriter(pending, tensors, bytes),
            CheckpointFormat.Dat => new DatWriter(pending, tensors, bytes),
            _ => throw new ArgumentException($"{format.Name()} is read, but not written", nameof(format)),
        }, format, path, pending);
    }

    /// <summary>A caller's metadata of a model: Hugging Face's loaders want to be told that tensors are laid out as PyTorch's.</summary>
    internal static IReadOnlyDictionary<string, string> MetadataWith(IReadOnlyDictionary<string, string>? metadata)
    {
        var withFormat = metadata is null ? [] : new Dictionary<string, string>(metadata);
        withFormat.TryAdd("format", "pt");
        return withFormat;
    }

    /// <summary>Appends bytes of the tensors, in the order declared.</summary>
    /// <exception cref="InvalidOperationException">The bytes are more than the declared tensors still take; nothing was written.</exception>
    /// <exception cref="IOException">The disk is full or failed: dispose the writer.</exception>
    public void Write(ReadOnlySpan<byte> bytes) => _writer.Write(bytes);

    /// <summary>Appends zeros without writing them: a hole that takes no disk space where the file system knows holes.</summary>
    /// <exception cref="InvalidOperationException">The bytes are more than the declared tensors still take; nothing was written.</exception>
    public void WriteHole(long bytes) => _writer.WriteHole(bytes);

    /// <summary>
    /// Completes the files, syncs them, and moves them under the final name in one step. Then it removes the <see cref="Digests"/> of what was replaced: they
    /// would condemn what replaces it. A program that ends between the two leaves them, and verification fails, rather than nothing to verify by.
    /// </summary>
    /// <exception cref="InvalidOperationException">Fewer bytes were written than declared.</exception>
    /// <exception cref="CheckpointException">
    /// It would not be read again: it has more tensors, or longer names, than are. Or a <see cref="CheckpointFormat.Dat"/>, which has no magic number, would be taken for
    /// another format. What was there before is there.
    /// </exception>
    /// <exception cref="IOException">
    /// The disk failed, or somebody put other files there: what was there before is there, with its digests. Or only these could not be removed: then it is written,
    /// and the message names them.
    /// </exception>
    public void Commit()
    {
        _writer.Commit(RequireReadable);
        try
        {
            File.Delete(Digests.PathFor(_path));
        }
        catch (PathTooLongException)
        {
            // Nothing can have that name.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{Digests.PathFor(_path)}: describes what was replaced, and cannot be removed: {e.Message}", e);
        }
    }

    /// <summary>Removes what was not committed.</summary>
    public void Dispose() => _writer.Dispose();

    // By these a file is known, or may be, whatever it holds.
    private static void RequireFileName(string path)
    {
        if (Directory.Exists(path)) throw new TakenNameException($"{path}: is a folder: name a file inside it");
        if (Path.EndsInDirectorySeparator(path)) throw new TakenNameException($"{path}: ends in a slash, as a folder's name does: name a file");
        var name = Path.GetFileName(path);
        if (name == DistributedReader.MetadataName || name.EndsWith(DistributedReader.PartExtension, StringComparison.Ordinal))
            throw new TakenNameException($"{path}: is the name of a part of a distributed checkpoint, and would be read as that: choose another name");
        if (ShardIndex.HasName(path)) throw new TakenNameException($"{path}: is the name of an index of shards: choose another name, or write sharded into a folder");
    }

    // What nobody would read again replaces nothing. Files of one tensor each are all alike, and short.
    private void RequireReadable()
    {
        try
        {
            if (WhyNotRead() is { } whyNot) throw new CheckpointException(CheckpointError.Unsupported, _pending.Target, whyNot);
        }
        catch (CheckpointException e) when (e.Error == CheckpointError.Unreadable)
        {
            throw new IOException($"{_pending.Target}: is written, and cannot be opened to see whether it would be read again: {e.Problem}", e);
        }
    }

    private string? WhyNotRead() => _format switch
    {
        CheckpointFormat.PerTensor => null,
        CheckpointFormat.Sharded => FileFormats.WhyNotRead(Path.Combine(_pending.Temporary, ShardIndexWriter.FileName)),
        // Without a magic number its first bytes are a count and a name, and these may be those of any other format.
        CheckpointFormat.Dat => FileFormats.WhyNotDat(_pending.Temporary),
        CheckpointFormat.Pth => FileFormats.WhyNotRead(_pending.Temporary) is { } problem ? $"{problem}: write safetensors" : null,
        _ => FileFormats.WhyNotRead(_pending.Temporary),
    };

    // The compiler warns of a null and lets any number be cast; whoever deserializes is not even warned.
    private static void RequireAll(CheckpointFormat format, IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        if (!Enum.IsDefined(format)) throw new ArgumentException($"{format} is no {nameof(CheckpointFormat)}: use {string.Join(", ", Enum.GetNames<CheckpointFormat>())}", nameof(format));
        if (tensors.Any(t => t?.Name is null || t.DType is null)) throw new ArgumentException("a tensor is null, or its name or dtype", nameof(tensors));
        if (metadata?.FirstOrDefault(pair => pair.Value is null) is { Key: { } key }) throw new ArgumentException($"the metadata has null under '{key}': leave it out", nameof(metadata));
    }
}
