using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Unit.Faults;

/// <summary>The kernel's reads, where they were, and a moment before each in which a test may change the file.</summary>
internal sealed class WatchedReads : PositionedReads
{
    public Action? Before { get; set; }

    public List<long> Positions { get; } = [];

    public override bool TryPopulate(FileMapping mapping, long position, long bytes)
    {
        Before?.Invoke();
        return base.TryPopulate(mapping, position, bytes);
    }

    protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination)
    {
        Before?.Invoke();
        lock (Positions) Positions.Add(position);
        return base.ReadSome(file, position, destination);
    }
}
