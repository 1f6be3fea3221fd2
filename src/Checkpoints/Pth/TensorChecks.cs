using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Pth;

/// <summary>Holds a tensor's shape, strides and offset against its storage. What passes can be read without further checks.</summary>
internal static class TensorChecks
{
    private const int MaxRank = 64;

    public static TensorEntry Check(string name, TensorValue tensor, StorageEntry storage, string path)
    {
        var shape = Shapes.Span(tensor.Shape);
        var strides = Shapes.Span(tensor.Strides);
        CheckpointException Refuse(CheckpointError error, string problem) => new(error, path, problem, name);

        if (shape.Length != strides.Length) throw Refuse(CheckpointError.Malformed, $"has {shape.Length} sizes, but {strides.Length} strides");
        if (shape.Length > MaxRank) throw Refuse(CheckpointError.LimitExceeded, $"has {shape.Length} dimensions, more than the limit of {MaxRank}");
        if (tensor.Offset < 0 || HasNegative(shape) || HasNegative(strides))
        {
            throw Refuse(CheckpointError.Malformed, $"has a negative offset, size or stride: {tensor.Offset}, {Shapes.Format(shape)}, {Shapes.Format(strides)}");
        }

        // A record may have less than an element more than its storage: to PyTorch that is no part of it.
        var whole = storage.Bytes / tensor.Storage.ElementBytes;
        var storageElements = (tensor.Storage.Count <= whole ? tensor.Storage.Count * tensor.Storage.ElementBytes : storage.Bytes) / tensor.DType.BytesPerElement;
        if (!Fits(shape, strides, tensor, storageElements))
        {
            throw Refuse(
                CheckpointError.Malformed,
                $"of shape {Shapes.Format(shape)} and strides {Shapes.Format(strides)} from element {tensor.Offset} on reaches beyond its storage of "
                + $"{storageElements} elements of {tensor.DType}");
        }

        return new TensorEntry(name, tensor.DType, tensor.Shape, tensor.Strides, tensor.Offset, storage);
    }

    private static bool HasNegative(ReadOnlySpan<long> numbers)
    {
        foreach (var number in numbers)
        {
            if (number < 0) return true;
        }

        return false;
    }

    private static bool Fits(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides, TensorValue tensor, long storageElements)
    {
        try
        {
            // A view that repeats elements (stride 0) may be larger than its storage, but its own size must be a number.
            _ = tensor.DType.ByteCount(Shapes.ElementCount(shape));
            return tensor.Offset <= storageElements && Shapes.Reach(shape, strides) <= storageElements - tensor.Offset;
        }
        catch (OverflowException)
        {
            return false;
        }
    }
}
