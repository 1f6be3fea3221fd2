using Loadline.Tensors.Torch;
using TorchSharp;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Loadline.TorchSharpTests;

/// <summary>What libtorch itself says of TorchSharp's tensors.</summary>
internal static unsafe class Memory
{
    /// <summary>The first element's address.</summary>
    public static nint Address(torch.Tensor tensor)
    {
        nint address = 0;
        TorchLibrary.Load().TryFind("aoti_torch_get_data_ptr", out var function).Should().BeTrue();
        ((delegate* unmanaged<nint, nint*, int>)function)(tensor.Handle, &address).Should().Be(0);
        return address;
    }

    /// <summary>The elements' bytes in order, whatever the strides.</summary>
    public static byte[] Bytes(torch.Tensor tensor)
    {
        using var contiguous = tensor.detach().contiguous();
        return new ReadOnlySpan<byte>((void*)Address(contiguous), (int)(contiguous.numel() * contiguous.element_size())).ToArray();
    }

    /// <summary>Whether a tensor's first element is a page of a file.</summary>
    public static bool IsMapped(torch.Tensor tensor, string path) => Mappings(path).Any(range => range.From <= Address(tensor) && Address(tensor) < range.To);

    /// <summary>Where a file is mapped.</summary>
    public static IReadOnlyList<(nint From, nint To)> Mappings(string path) =>
        [.. File.ReadLines("/proc/self/maps").Where(line => line.EndsWith(path, StringComparison.Ordinal)).Select(line => line.Split(' ')[0].Split('-'))
            .Select(range => (nint.Parse(range[0], System.Globalization.NumberStyles.HexNumber), nint.Parse(range[1], System.Globalization.NumberStyles.HexNumber)))];

    /// <summary>Gives everything back that nothing refers to.</summary>
    public static void Collect()
    {
        for (var i = 0; i < 3; i++)
        {
            // What the collector keeps committed for later is anonymous memory, too.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
    }
}
