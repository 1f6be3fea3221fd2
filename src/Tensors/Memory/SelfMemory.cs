using Loadline.Checkpoints;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Tensors.Memory;

/// <summary>
/// This process's own memory, read by a system call. A page whose file was cut is an error there, where touching it would be a SIGBUS.
/// </summary>
internal static class SelfMemory
{
    private static readonly SafeFileHandle Memory = File.OpenHandle("/proc/self/mem");

    /// <summary>Copies from an address.</summary>
    /// <exception cref="CheckpointException">The pages of <paramref name="mappedFile"/> that lie there are gone or cannot be read.</exception>
    public static unsafe void Read(byte* address, Span<byte> destination, string mappedFile)
    {
        try
        {
            for (long done = 0; done < destination.Length;)
            {
                var count = RandomAccess.Read(Memory, destination[(int)done..], (nint)address + done);
                if (count == 0) throw Gone(mappedFile, null);
                done += count;
            }
        }
        catch (IOException e)
        {
            throw Gone(mappedFile, e);
        }
    }

    private static CheckpointException Gone(string file, Exception? inner) =>
        new(CheckpointError.Truncated, file, "became shorter while its weights were mapped: put it back and load it again", inner: inner);
}
