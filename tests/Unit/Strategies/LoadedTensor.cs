using Loadline.Checkpoints;
using Loadline.Checkpoints.Assembly;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

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

        var inMemory = tensor.Layout with { Storage = new StorageEntry("memory", 0, tensor.Storage.Bytes) };
        Gather(inMemory, (IReadableStorage)tensor.Storage).Should().Equal(expected);
    }

    private static byte[] Gather(TensorEntry view, IReadableStorage storage)
    {
        var bytes = new byte[view.ByteCount];
        if (view.IsContiguous) storage.Read(view.StorageOffset * view.DType.BytesPerElement, bytes);
        else new TensorPieceReader((_, offset, destination) => storage.Read(offset, destination)).Read(view, 0, bytes);
        return bytes;
    }
}
