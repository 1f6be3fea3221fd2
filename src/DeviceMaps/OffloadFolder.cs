using System.Security.Cryptography;
using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Reading;
using Loadline.Tensors.Memory;

namespace Loadline.DeviceMaps;

/// <summary>
/// A folder for weights of <c>disk</c> that cannot stay mapped in the checkpoint: each storage is a safetensors file of its own with its digest beside it,
/// written once and mapped from then on.
/// </summary>
internal sealed class OffloadFolder(WeightSource weights, string? folder) : IDisposable
{
    private const string TensorName = "storage";
    private const int PieceBytes = (int)ByteSize.MiB;

    private readonly List<FileMapping> _mappings = [];
    private readonly OffloadIdentity _identity = new();

    /// <summary>Maps a storage that is not empty, after it was written or what is there was checked.</summary>
    /// <exception cref="CheckpointException">There is no folder for it.</exception>
    /// <exception cref="IOException">It cannot be written, or the folder lies in memory.</exception>
    public MappedStorage Map(WeightStorage storage)
    {
        var path = PathOf(storage);
        if (!IsThere(path, storage.Bytes)) Write(storage, path);
        using var offloaded = Checkpoint.Open(path);
        var source = offloaded.Entries[0].Storage;
        _mappings.Add(offloaded.Map(source.File, MappingAccess.CopyOnWrite));
        _mappings[^1].Advise(weights.Advice());
        return new MappedStorage(_mappings[^1], source.Position, storage.Bytes);
    }

    public void Dispose()
    {
        foreach (var mapping in _mappings) mapping.Dispose();
    }

    private string PathOf(WeightStorage storage)
    {
        var source = storage.Source;
        if (folder is null)
        {
            throw new CheckpointException(
                CheckpointError.Unsupported, source.File,
                $"{(storage.ConvertedFrom is null ? "is compressed" : "gets another dtype")} and cannot stay mapped on disk: give an offload folder to write it to (--offload-folder), or convert the checkpoint", storage.Tensors[0].Name);
        }

        return Path.Combine(folder, _identity.Of(storage) + ".safetensors");
    }

    /// <summary>Whether an earlier load left it there whole: its bytes are read once for that, as whoever computes with them will.</summary>
    private static bool IsThere(string path, long bytes)
    {
        if (!File.Exists(path)) return false;
        try
        {
            using var offloaded = Checkpoint.Open(path);
            return Digests.Find(path)?.GetValueOrDefault(TensorName) is { } recorded
                && offloaded.Entries is [{ Name: TensorName } entry] && entry.Storage.Bytes == bytes
                && DigestOf((offset, piece) => offloaded.Read(entry.Storage, offset, piece), entry.Storage.Bytes, null) == recorded.Sha256;
        }
        catch (CheckpointException)
        {
            // Damaged or cut: it is written again.
            return false;
        }
    }

    private void Write(WeightStorage storage, string path)
    {
        if (MemoryFileSystem.Of(folder!) is { } fileSystem) throw new IOException($"{folder}: is on {fileSystem}, where files are memory: name a folder on a disk for --offload-folder");
        Directory.CreateDirectory(folder!);
        var declared = new TensorDeclaration(TensorName, DType.UInt8, [storage.Bytes]);
        using var writer = CheckpointWriter.Create(path, CheckpointFormat.Safetensors, [declared]);
        var digest = DigestOf((offset, piece) => weights.Read(storage, offset, piece), storage.Bytes, writer);
        writer.Commit();
        Digests.Write(path, new Dictionary<string, TensorDigest> { [TensorName] = new(declared.DType.Name, declared.Shape, digest) });
    }

    private static string DigestOf(Action<long, Span<byte>> read, long bytes, CheckpointWriter? copy)
    {
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Math.Min(PieceBytes, bytes)];
        for (long done = 0; done < bytes; done += buffer.Length)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, bytes - done));
            read(done, piece);
            sha256.AppendData(piece);
            copy?.Write(piece);
        }

        return Convert.ToHexStringLower(sha256.GetHashAndReset());
    }
}
