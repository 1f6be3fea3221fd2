using System.Security.Cryptography;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
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
    private readonly OffloadIdentity _identity = new(weights.IdentityOf);
    private bool _isTidy;

    /// <summary>Makes the folder, where it is not there.</summary>
    /// <exception cref="TakenNameException">There can be none of the name, or it lies in memory.</exception>
    /// <exception cref="IOException">The disk is full, or its folder somebody else's.</exception>
    public static void Make(string folder)
    {
        if (File.Exists(folder)) throw new TakenNameException($"{folder}: is a file: name a folder for --offload-folder");
        if (MemoryFileSystem.Of(folder) is { } fileSystem) throw new TakenNameException($"{folder}: is on {fileSystem}, where files are memory: name a folder on a disk for --offload-folder");
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (IOException e) when (e.HResult is not (Libc.NoSpaceLeft or Libc.QuotaExceeded))
        {
            throw new TakenNameException($"{folder}: cannot be made: name another folder for --offload-folder");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiskSpace.Explain(folder, 0, e);
        }
    }

    /// <summary>Maps a storage that is not empty, after it was written or what is there was checked.</summary>
    /// <exception cref="CheckpointException">There is no folder for it.</exception>
    /// <exception cref="IOException">It cannot be written, or the folder lies in memory.</exception>
    public MappedStorage Map(WeightStorage storage)
    {
        var path = PathOf(storage);
        using var offloaded = TryOpen(path, storage.Bytes, isToBeVerified: true) ?? Written(storage, path);
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

    /// <summary>
    /// What an earlier load left there whole, open; null where there is nothing of the kind. To be verified, its bytes are read once, as whoever computes with
    /// them will; and it is mapped as it was opened then, whatever takes its name meanwhile.
    /// </summary>
    private static Checkpoint? TryOpen(string path, long bytes, bool isToBeVerified)
    {
        if (!File.Exists(path)) return null;
        Checkpoint? offloaded = null;
        try
        {
            offloaded = Checkpoint.Open(path);
            // As it is written here, and so that what is checked is what is mapped: in another format its bytes may lie there compressed.
            if (offloaded is { Format: CheckpointFormat.Safetensors, Entries: [{ Name: TensorName, Storage.IsMappable: true } entry] } && entry.Storage.Bytes == bytes
                && (!isToBeVerified || IsWhole(offloaded, entry.Storage))) return offloaded;
        }
        catch (CheckpointException)
        {
            // Damaged or cut: it is written again.
        }

        offloaded?.Dispose();
        return null;
    }

    private static bool IsWhole(Checkpoint offloaded, StorageEntry storage) => Digests.Find(offloaded)?.Tensors.GetValueOrDefault(TensorName) is { } recorded
        && DigestOf((offset, piece) => offloaded.Read(storage, offset, piece), storage.Bytes, null) == recorded.Sha256;

    private Checkpoint Written(WeightStorage storage, string path)
    {
        Write(storage, path);
        return TryOpen(path, storage.Bytes, isToBeVerified: false) ?? throw new IOException($"{path}: was changed while weights were written to it: give an offload folder that nobody else writes to");
    }

    private void Write(WeightStorage storage, string path)
    {
        Make(folder!);
        if (!_isTidy) OffloadLeftovers.Remove(folder!);
        _isTidy = true;
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
