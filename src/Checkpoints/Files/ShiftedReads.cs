using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>Reads of a stretch of a file, whose positions count from the stretch's start.</summary>
internal sealed class ShiftedReads(PositionedReads reads, long start) : PositionedReads
{
    /// <inheritdoc/>
    protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination) => reads.ReadOnce(file, start + position, destination);
}
