using Loadline.Checkpoints.Files;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Unit.Faults;

/// <summary>Counts the reads of a file.</summary>
internal sealed class CountingReads : PositionedReads
{
    public int Count { get; private set; }

    protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination)
    {
        Count++;
        return base.ReadSome(file, position, destination);
    }
}
