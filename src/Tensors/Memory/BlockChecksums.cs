namespace Loadline.Tensors.Memory;

/// <summary>The checksums of a tensor's blocks of 1 MiB, added up from pieces that may come in any order and from several threads.</summary>
internal sealed class BlockChecksums(long bytes)
{
    private readonly ulong[] _sums = new ulong[(bytes + BlockChecksum.BlockBytes - 1) / BlockChecksum.BlockBytes];
    private long _addedBytes;

    /// <summary>Whether as many bytes were added as the tensor has.</summary>
    public bool IsComplete => Interlocked.Read(ref _addedBytes) == bytes;

    /// <summary>Adds a piece. It starts at a multiple of 8 bytes, as the checksum works on words.</summary>
    public void Add(long offset, ReadOnlySpan<byte> piece)
    {
        if (offset % 8 != 0) throw new ArgumentException($"a piece starts at byte {offset}, not at a multiple of 8", nameof(offset));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(piece.Length, bytes - offset);
        Interlocked.Add(ref _addedBytes, piece.Length);
        while (!piece.IsEmpty)
        {
            var room = BlockChecksum.BlockBytes - (int)(offset % BlockChecksum.BlockBytes);
            var inBlock = piece[..Math.Min(room, piece.Length)];
            Interlocked.Add(ref _sums[offset / BlockChecksum.BlockBytes], BlockChecksum.Sum(offset, inBlock));
            piece = piece[inBlock.Length..];
            offset += inBlock.Length;
        }
    }

    /// <summary>Becomes equal to another tensor's of the same length.</summary>
    public void CopyFrom(BlockChecksums other)
    {
        other._sums.CopyTo(_sums, 0);
        _addedBytes = other._addedBytes;
    }

    /// <summary>The first byte of the first block that differs, or null.</summary>
    public long? FirstDifference(BlockChecksums other)
    {
        var common = _sums.AsSpan().CommonPrefixLength(other._sums);
        return common == _sums.Length && common == other._sums.Length ? null : (long)common * BlockChecksum.BlockBytes;
    }
}
