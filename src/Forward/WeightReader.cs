using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Tensors;
using Loadline.Tensors.Memory;

namespace Loadline.Forward;

/// <summary>Reads weights as float32, whatever they are stored in, with a buffer of its own. For one thread.</summary>
internal sealed class WeightReader
{
    /// <summary>Large enough that a read costs little beside its bytes, small enough for the second-level cache.</summary>
    public const int BlockBytes = 256 * (int)ByteSize.KiB;

    private readonly TensorReader _reader = new();
    private float[] _values = new float[BlockBytes / sizeof(float)];
    private byte[] _stored = [];

    /// <summary>Elements from one on, in row-major order, until the next call.</summary>
    public ReadOnlySpan<float> Read(Tensor tensor, long first, int count)
    {
        if (_values.Length < count) _values = new float[count];
        var values = _values.AsSpan(0, count);
        var width = tensor.DType.BytesPerElement;
        if (tensor.DType == DType.Float32)
        {
            tensor.Read(_reader, first * width, MemoryMarshal.AsBytes(values));
            return values;
        }

        if (_stored.Length < count * width) _stored = new byte[count * width];
        var stored = _stored.AsSpan(0, count * width);
        tensor.Read(_reader, first * width, stored);
        if (tensor.DType == DType.Bool) Widen(stored, values);
        else DTypeConversion.Convert(tensor.DType, stored, DType.Float32, MemoryMarshal.AsBytes(values));
        return values;
    }

    private static void Widen(ReadOnlySpan<byte> stored, Span<float> values)
    {
        for (var i = 0; i < values.Length; i++) values[i] = stored[i];
    }
}
