using System.Security.Cryptography;
using Loadline.Checkpoints;
using Loadline.Strategies.Loading;
using Loadline.Strategies.Memory;

namespace Loadline.Strategies.Runs;

/// <summary>
/// Reads every tensor back from its device and compares it with the digests recorded beside the file, else with what the naive reader finds there.
/// </summary>
internal sealed class WeightVerifier(Checkpoint checkpoint, int readers)
{
    private const int PieceBytes = 256 * (int)ByteSize.KiB;

    private readonly IReadOnlyDictionary<string, TensorDigest>? _recorded = Digests.Find(checkpoint.Path);

    /// <summary>Compares all tensors of a model that was made from these entries.</summary>
    /// <exception cref="VerificationException">One differs.</exception>
    public VerifiedEvent Verify(Model model, IReadOnlyList<TensorEntry> entries)
    {
        Readers.Run(readers, entries, entry => Verify(entry, model[entry.Name]));
        return new VerifiedEvent(entries.Count, entries.Sum(e => e.ByteCount), _recorded is null ? "a naive reading of the file" : "the recorded digests");
    }

    private void Verify(TensorEntry entry, Tensor tensor)
    {
        var expected = _recorded?.GetValueOrDefault(entry.Name)?.Sha256;
        if (tensor.Storage is HostStorage host)
        {
            Compare(entry, expected ?? InFile(entry, checksums: null), InMemory(tensor.Layout, host));
            return;
        }

        // An accelerator that keeps checksums only: the file must be what was recorded, and the device must hold the file's checksums.
        var checksums = new BlockChecksums(entry.ByteCount);
        var inFile = InFile(entry, checksums);
        Compare(entry, expected ?? inFile, inFile);
        if (((SimStorage)tensor.Storage).Checksums.FirstDifference(checksums) is { } position)
        {
            throw new VerificationException($"tensor '{PrintableText.Escape(entry.Name)}' on {tensor.Device} differs from the file between bytes {position} and {position + BlockChecksum.BlockBytes}");
        }
    }

    private void Compare(TensorEntry entry, string expected, string found)
    {
        if (found != expected) throw new VerificationException($"tensor '{PrintableText.Escape(entry.Name)}' of {checkpoint.Path} has sha256 {found}, expected {expected}");
    }

    private string InFile(TensorEntry entry, BlockChecksums? checksums)
    {
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long position = 0;
        NaiveReader.Read(checkpoint, entry, bytes =>
        {
            sha256.AppendData(bytes);
            checksums?.Add(position, bytes);
            position += bytes.Length;
        });
        return Finish(sha256);
    }

    private static string InMemory(TensorEntry view, HostStorage host)
    {
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var reader = new TensorReader();
        var buffer = new byte[Math.Min(view.ByteCount, PieceBytes)];
        for (long done = 0; done < view.ByteCount; done += PieceBytes)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(PieceBytes, view.ByteCount - done));
            reader.Read(view, host, done, piece);
            sha256.AppendData(piece);
        }

        return Finish(sha256);
    }

    private static string Finish(IncrementalHash hash)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return Convert.ToHexStringLower(digest);
    }
}
