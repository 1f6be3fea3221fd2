using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

/// <summary>The oracle: a tensor's bytes laid out without gaps, one element after the other, from a copy of its whole storage.</summary>
internal static class NaiveBytes
{
    public static byte[] Read(Checkpoint checkpoint, TensorEntry entry)
    {
        var storage = new byte[entry.Storage.Bytes];
        checkpoint.Read(entry.Storage, 0, storage);
        return Gather(entry, storage);
    }

    public static unsafe byte[] ReadMapped(TensorEntry entry)
    {
        if (entry.Storage.Bytes == 0) return [];
        using var mapping = FileMapping.Open(entry.Storage.File, MappingAccess.ReadOnly);
        return Gather(entry, new ReadOnlySpan<byte>(mapping.PointerTo(entry.Storage), (int)entry.Storage.Bytes));
    }

    private static byte[] Gather(TensorEntry entry, ReadOnlySpan<byte> storage)
    {
        if (entry.DType.BitsPerElement % 8 != 0) return storage.ToArray();
        var size = entry.DType.BytesPerElement;
        var bytes = new byte[entry.ByteCount];
        for (long i = 0; i < entry.ElementCount; i++)
        {
            var (element, rest) = (entry.StorageOffset, i);
            for (var d = entry.Shape.Length - 1; d >= 0; d--)
            {
                element += rest % entry.Shape[d] * entry.Strides[d];
                rest /= entry.Shape[d];
            }

            storage.Slice((int)element * size, size).CopyTo(bytes.AsSpan((int)i * size));
        }

        return bytes;
    }
}
