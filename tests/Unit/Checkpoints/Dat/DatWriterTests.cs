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

    [Theory]
    [InlineData(200, "aaaaa{bc", "the ninth byte begins the header of safetensors")]
    [InlineData(1, "\u00e9aaaa{bc", "so it does here")]
    [InlineData(3, "GDxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "it begins as a tensor of TorchSharp's does")]
    public void What_would_be_taken_for_another_format_is_refused_and_what_stood_there_stays(int tensors, string name, string why)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("m.dat", "older"u8);
        TensorDeclaration[] declared = [.. Enumerable.Range(0, tensors).Select(i => new TensorDeclaration(i == 0 ? name : $"w{i}", DType.UInt8, [1]))];
        using (var writer = CheckpointWriter.Create(path, CheckpointFormat.Dat, declared))
        {
            writer.Write(new byte[tensors]);

            FluentActions.Invoking(writer.Commit).Should().Throw<CheckpointException>(why).WithMessage($"{path}: would be taken for another format, *: write pth or safetensors");
        }

        File.ReadAllText(path).Should().Be("older");
        folder.Names.Should().Equal("m.dat");
    }

    [Theory]
    [InlineData(66_000, 0, "describes more *")]
    [InlineData(2000, 64, "* dimensions in * tensors, more than any model has")]
    public void What_is_more_than_is_read_again_is_refused_by_the_limit(int tensors, int rank, string limit)
    {
        using var folder = new TemporaryFolder();
        TensorDeclaration[] declared = [.. Enumerable.Range(0, tensors).Select(i => new TensorDeclaration($"{i}", DType.UInt8, [.. Enumerable.Repeat(1L, rank)]))];
        using var writer = CheckpointWriter.Create(folder["m.dat"], CheckpointFormat.Dat, declared);
        writer.Write(new byte[tensors]);

        FluentActions.Invoking(writer.Commit).Should().Throw<CheckpointException>().WithMessage($"*m.dat: would not be read again: {limit}: write safetensors");
        folder.Names.Where(name => name == "m.dat").Should().BeEmpty();
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
