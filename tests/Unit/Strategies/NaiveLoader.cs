using Loadline.Checkpoints;
using Loadline.Measuring;

namespace Loadline.Unit.Strategies;

/// <summary>The oracle of the contract: whole files in managed arrays, one element after the other. It shares only the index with the loaders.</summary>
internal static class NaiveLoader
{
    public static byte[] Read(TensorEntry entry)
    {
        var file = File.ReadAllBytes(entry.Storage.File);
        var width = entry.DType.BytesPerElement;
        var bytes = new byte[entry.ByteCount];
        for (long element = 0; element < entry.ElementCount; element++)
        {
            var (position, rest) = (entry.StorageOffset, element);
            for (var d = entry.Shape.Length - 1; d >= 0; d--) (rest, position) = (rest / entry.Shape[d], position + rest % entry.Shape[d] * entry.Strides[d]);
            file.AsSpan((int)(entry.Storage.Position + position * width), width).CopyTo(bytes.AsSpan((int)element * width));
        }

        return bytes;
    }

    /// <summary>The same in another dtype, converted one element at a time.</summary>
    public static byte[] Read(TensorEntry entry, DType dtype)
    {
        var stored = Read(entry);
        if (dtype == entry.DType) return stored;
        var converted = new List<byte>();
        NaiveConversion.Convert(entry.DType, stored, dtype, bytes => converted.AddRange(bytes));
        return [.. converted];
    }
}
