using System.Security.Cryptography;
using Loadline.Checkpoints;

namespace Loadline.Harness.Inspection;

/// <summary>The sha256 of a tensor's elements laid out without gaps, as PyTorch's <c>contiguous()</c> would have them, in bounded memory.</summary>
internal static class TensorHash
{
    private const int PieceBytes = 1 << 20;

    // A view of a storage up to this size is gathered from memory; of a larger one, run by run from the file.
    private const int GatheredStorageBytes = 64 << 20;

    /// <summary>Reads the tensor and returns lower-case hexadecimal.</summary>
    /// <exception cref="CheckpointException">It cannot be read.</exception>
    public static string Sha256(Checkpoint checkpoint, TensorEntry tensor, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (tensor.IsContiguous) Append(hash, checkpoint, tensor.Storage, tensor.DType.ByteCount(tensor.StorageOffset), tensor.ByteCount, cancellation);
        else AppendView(hash, checkpoint, tensor, cancellation);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(
        IncrementalHash hash, Checkpoint checkpoint, StorageEntry storage, long offset, long bytes, CancellationToken cancellation)
    {
        var piece = new byte[Math.Min(bytes, PieceBytes)];
        for (var done = 0L; done < bytes; done += piece.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            var part = piece.AsSpan(0, (int)Math.Min(piece.Length, bytes - done));
            checkpoint.Read(storage, offset + done, part);
            hash.AppendData(part);
        }
    }

    private static void AppendView(IncrementalHash hash, Checkpoint checkpoint, TensorEntry tensor, CancellationToken cancellation)
    {
        byte[]? storage = null;
        if (tensor.Storage.Bytes <= GatheredStorageBytes)
        {
            storage = new byte[tensor.Storage.Bytes];
            checkpoint.Read(tensor.Storage, 0, storage);
        }

        // The innermost dimensions that lie without gaps are one run; the ones outside are counted through like an odometer.
        var inner = tensor.Shape.Length;
        while (inner > 0 && Shapes.IsContiguous(tensor.Shape.AsSpan()[(inner - 1)..], tensor.Strides.AsSpan()[(inner - 1)..])) inner--;
        var runBytes = tensor.DType.ByteCount(Shapes.ElementCount(tensor.Shape.AsSpan()[inner..]));
        var index = new long[inner];
        do
        {
            var element = tensor.StorageOffset;
            for (var i = 0; i < inner; i++) element += index[i] * tensor.Strides[i];
            var offset = tensor.DType.ByteCount(element);
            if (storage is null) Append(hash, checkpoint, tensor.Storage, offset, runBytes, cancellation);
            else hash.AppendData(storage, (int)offset, (int)runBytes);
        }
        while (Next(index, tensor.Shape.AsSpan()[..inner]));
    }

    private static bool Next(Span<long> index, ReadOnlySpan<long> shape)
    {
        for (var i = index.Length - 1; i >= 0; i--)
        {
            if (++index[i] < shape[i]) return true;
            index[i] = 0;
        }

        return false;
    }
}
