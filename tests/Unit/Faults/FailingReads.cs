using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Unit.Faults;

/// <summary>Reads that are the kernel's, but for one.</summary>
/// <param name="failAt">Which one fails, counted from 1; 0 for none.</param>
/// <param name="fault">What happens instead.</param>
internal sealed class FailingReads(int failAt = 0, ReadFault? fault = null) : PositionedReads
{
    private int _count;

    /// <summary>How many there were.</summary>
    public int Count => _count;

    protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination) =>
        Interlocked.Increment(ref _count) == failAt ? fault!.Read(destination.Length) : base.ReadSome(file, position, destination);
}

/// <summary>A way in which a read goes wrong, and the error that a loader makes of it.</summary>
internal sealed record ReadFault(string Name, Func<int, int> Read, CheckpointError Error)
{
    private const int InputOutputError = 5;

    public static IReadOnlyList<ReadFault> All { get; } =
    [
        new("the end of the file", _ => 0, CheckpointError.Truncated),
        new("an error of the disk", _ => throw new IOException("Input/output error", InputOutputError), CheckpointError.Unreadable),
        new("a right that was taken away", _ => throw new UnauthorizedAccessException("Permission denied"), CheckpointError.Unreadable),
    ];

    public static ReadFault Named(string name) => All.Single(f => f.Name == name);
}
