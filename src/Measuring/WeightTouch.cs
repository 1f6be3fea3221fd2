using System.Numerics;
using System.Runtime.InteropServices;
using Loadline.Tensors;
using Loadline.Tensors.Memory;

namespace Loadline.Measuring;

/// <summary>
/// Reads weights as arithmetic on them does: in place and in order, by one thread, so that what the kernel reads ahead and drops is the
/// same each time. What lies on an accelerator is used there and costs the host nothing.
/// </summary>
internal static class WeightTouch
{
    private const int PieceBytes = 1 << 20;

    private static ulong s_sum;

    /// <summary>Reads every byte of a model once that the host holds or maps.</summary>
    /// <param name="model">The weights.</param>
    /// <param name="touches">Gets the name of each tensor before it is read.</param>
    public static void Read(Model model, Action<string> touches)
    {
        foreach (var group in model.ByStorage())
        {
            touches(group.First());
            if (group.Key is HostStorage host) Read(host);
        }
    }

    /// <summary>Reads bytes that something else gives, piece by piece.</summary>
    public static void Read(IReadableStorage storage, long bytes, Span<byte> buffer)
    {
        for (long done = 0; done < bytes; done += buffer.Length)
        {
            var piece = buffer[..(int)Math.Min(buffer.Length, bytes - done)];
            storage.Read(done, piece);
            Add(piece);
        }
    }

    private static void Read(HostStorage host)
    {
        for (long done = 0; done < host.Bytes; done += PieceBytes) Add(host.Slice(done, (int)Math.Min(PieceBytes, host.Bytes - done)));
    }

    // The sum goes where the compiler cannot see that nobody wants it.
    private static void Add(ReadOnlySpan<byte> bytes)
    {
        var sums = Vector<ulong>.Zero;
        foreach (var vector in MemoryMarshal.Cast<byte, Vector<ulong>>(bytes)) sums += vector;
        var sum = Vector.Sum(sums);
        foreach (var b in bytes[(bytes.Length / Vector<byte>.Count * Vector<byte>.Count)..]) sum += b;
        Volatile.Write(ref s_sum, Volatile.Read(ref s_sum) + sum);
    }
}
