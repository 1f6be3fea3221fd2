using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Strategies.Words;

/// <summary>The kernel's reads, which end with the next one when nobody wants the load any more.</summary>
/// <param name="cancellation">Says so.</param>
internal sealed class CancellableReads(CancellationToken cancellation) : PositionedReads
{
    /// <inheritdoc/>
    public override bool TryPopulate(FileMapping mapping, long position, long bytes)
    {
        cancellation.ThrowIfCancellationRequested();
        return base.TryPopulate(mapping, position, bytes);
    }

    /// <inheritdoc/>
    protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination)
    {
        cancellation.ThrowIfCancellationRequested();
        return base.ReadSome(file, position, destination);
    }
}
