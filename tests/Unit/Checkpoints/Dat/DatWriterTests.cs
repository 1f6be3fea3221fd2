using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints.Dat;

public sealed class DatWriterTests
{
    [Fact]
    public void The_bytes_are_those_of_TorchSharps_own_writer()
    {
        using var folder = new TemporaryFolder();
        using (var writer = CheckpointWriter.Create(folder["out"], CheckpointFormat.Dat, [new("w", DType.BFloat16, [2, 1]), new("empty", DType.Int8, [0, 300]), new("s", DType.Bool, [])]))
        {
            writer.Write([1, 2, 3, 4, 1]);
            writer.Commit();
        }

        File.ReadAllBytes(folder["out"]).Should().Equal(
            [3, 1, (byte)'w', 15, 2, 2, 1, 1, 2, 3, 4, 5, .. "empty"u8, 1, 2, 0, 0xac, 0x02, 1, (byte)'s', 11, 0, 1]);
    }

    [Fact]
    public void Every_dtype_that_TorchSharp_has_is_written_and_every_other_is_refused()
    {
        using var folder = new TemporaryFolder();
        foreach (var dtype in DType.All)
        {
            TensorDeclaration[] tensors = [new(dtype.Name, dtype, [2])];
            try
            {
                using var writer = CheckpointWriter.Create(folder["out"], CheckpointFormat.Dat, tensors);
                writer.Write(new byte[tensors[0].ByteCount]);
                writer.Commit();
                NaiveDat.Read(folder["out"])[dtype.Name].DType.Should().BeSameAs(dtype);
            }
            catch (CheckpointException e)
            {
                e.Message.Should().MatchRegex("(TorchSharp|PyTorch) does not have: write (pth|safetensors)");
                dtype.Name.Should().MatchRegex("^(float[468]|uint(16|32|64)|bits|complex32)");
            }
        }
    }
}
