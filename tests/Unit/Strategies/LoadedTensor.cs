using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Strategies;
using Loadline.Strategies.Memory;

namespace Loadline.Unit.Strategies;

/// <summary>What a loaded tensor holds, wherever it is.</summary>
internal static class LoadedTensor
{
    public static void ShouldHold(this Tensor tensor, byte[] expected)
    {
        if (tensor.Storage is SimStorage sim)
        {
            var checksums = new BlockChecksums(expected.Length);
            checksums.Add(0, expected);
            sim.Checksums.FirstDifference(checksums).Should().BeNull();
            return;
        }

        var host = (HostStorage)tensor.Storage;
        var inMemory = tensor.Layout with { Storage = new StorageEntry("memory", 0, host.Bytes) };
        Gather(inMemory, host).Should().Equal(expected);
    }

    private static byte[] Gather(TensorEntry view, HostStorage host)
    {
        var bytes = new byte[view.ByteCount];
        if (view.IsContiguous) host.Slice(view.StorageOffset * view.DType.BytesPerElement, bytes.Length).CopyTo(bytes);
        else new TensorPieceReader((_, offset, destination) => host.Read(offset, destination)).Read(view, 0, bytes);
        return bytes;
    }
}
