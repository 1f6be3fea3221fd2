using System.Runtime.InteropServices;

namespace Loadline.Checkpoints.Files;

/// <summary>
/// Bytes outside the managed heap, for what is read once and may have many MiB. On the heap it would be a large object: those make the collector look
/// through everything that is alive, and stay until it does so again.
/// </summary>
internal sealed unsafe class UnmanagedBytes(int count) : IDisposable
{
    private byte* _pointer = (byte*)NativeMemory.Alloc((nuint)count);

    /// <summary>All of them. SAFETY: good until this is disposed, by its only owner.</summary>
    public Span<byte> Span => new(_pointer, count);

    public void Dispose()
    {
        NativeMemory.Free(_pointer);
        _pointer = null;
    }
}
