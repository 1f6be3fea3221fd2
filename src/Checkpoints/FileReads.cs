using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints;

/// <summary>Positioned reads from a checkpoint's files, with the files' handles.</summary>
internal sealed class FileReads : IDisposable
{
    public static SafeFileHandle OpenForReading(string path) => throw new NotSupportedException();

    public void Read(StorageEntry storage, long offset, Span<byte> destination) => throw new NotSupportedException();

    public void Dispose() => throw new NotSupportedException();
}
