using System.Security.Cryptography;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Assembly;

namespace Loadline.Harness.Inspection;

/// <summary>
/// The sha256 of a checkpoint's tensors, of their elements laid out without gaps as PyTorch's <c>contiguous()</c> would have them, in bounded memory: all
/// tensors share one buffer, since a file may have as many of them as it likes in one storage.
/// </summary>
internal sealed class TensorHash(Checkpoint checkpoint)
{
    private const int PieceBytes = 1 << 20;

    private readonly TensorPieceReader _reader = new(checkpoint.Read);
    private readonly Dictionary<ViewIdentity, string> _ofViews = [];
    private byte[] _piece = [];

    /// <summary>Reads the tensor and returns lower-case hexadecimal.</summary>
    /// <exception cref="CheckpointException">It cannot be read.</exception>
    public string Sha256(TensorEntry tensor, CancellationToken cancellation)
    {
        // Tied names are read once. Without gaps that is so fast that a list of them is not worth it.
        if (tensor.IsContiguous) return Read(tensor, cancellation);
        if (!_ofViews.TryGetValue(ViewIdentity.Of(tensor), out var digest)) _ofViews.Add(ViewIdentity.Of(tensor), digest = Read(tensor, cancellation));
        return digest;
    }

    private string Read(TensorEntry tensor, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var piece in TensorPiece.Of(tensor, PieceBytes))
        {
            cancellation.ThrowIfCancellationRequested();
            if (_piece.Length < piece.Bytes) _piece = new byte[PieceBytes];
            _reader.Read(piece, _piece.AsSpan(0, piece.Bytes));
            hash.AppendData(_piece, 0, piece.Bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
