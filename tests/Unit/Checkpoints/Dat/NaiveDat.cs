using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints.Dat;

/// <summary>Reads TorchSharp's format as TorchSharp does, through a BinaryReader, and by its own numbers for dtypes.</summary>
internal static class NaiveDat
{
    private static readonly DType?[] ScalarTypes =
    [
        DType.UInt8, DType.Int8, DType.Int16, DType.Int32, DType.Int64, DType.Float16, DType.Float32, DType.Float64, null, DType.Complex64, DType.Complex128,
        DType.Bool, null, null, null, DType.BFloat16,
    ];

    public static Dictionary<string, (DType DType, long[] Shape, byte[] Bytes)> Read(string path)
    {
        using var reader = new BinaryReader(File.OpenRead(path));
        var tensors = new Dictionary<string, (DType, long[], byte[])>();
        for (var left = reader.Read7BitEncodedInt64(); left > 0; left--)
        {
            var name = reader.ReadString();
            var dtype = ScalarTypes[reader.Read7BitEncodedInt64()]!;
            var shape = new long[reader.Read7BitEncodedInt64()];
            for (var i = 0; i < shape.Length; i++) shape[i] = reader.Read7BitEncodedInt64();
            tensors.Add(name, (dtype, shape, reader.ReadBytes((int)dtype.ByteCount(Shapes.ElementCount(shape)))));
        }

        reader.BaseStream.Position.Should().Be(reader.BaseStream.Length);
        return tensors;
    }
}
