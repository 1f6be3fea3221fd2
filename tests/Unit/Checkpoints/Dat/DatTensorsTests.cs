using System.Text;
using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints.Dat;

/// <summary>TorchSharp's single tensors and optimizer states, byte for byte as its writers put them.</summary>
public sealed class DatTensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(6, "2,3", 24, "float32")]
    [InlineData(4, "", 8, "int64")]
    [InlineData(5, "300,2", 1200, "float16")]
    [InlineData(6, "0,4", 0, "float32")]
    public void A_tensor_by_itself_is_a_bare_tensor(int type, string shape, int bytes, string dtype)
    {
        long[] sizes = shape.Length == 0 ? [] : [.. shape.Split(',').Select(long.Parse)];
        var path = _folder.Write("t.dat", [.. Tensor(type, sizes), .. Enumerable.Range(0, bytes).Select(i => (byte)i)]);

        using var checkpoint = Checkpoint.Open(path);

        var entry = checkpoint.Entries.Should().ContainSingle().Which;
        (checkpoint.Format, entry.Name, entry.DType.Name).Should().Be((CheckpointFormat.Dat, "", dtype));
        entry.Shape.Should().Equal(sizes);
        NaiveBytes.Read(checkpoint, entry).Should().Equal(Enumerable.Range(0, bytes).Select(i => (byte)i));
    }

    // A bare int8 tensor of [65, 66], and a module of one tensor AB of [4286]: both fit to the last byte.
    [Fact]
    public void A_tensor_that_is_a_module_as_well_is_refused() =>
        Refusal.Of([1, 2, .. "AB"u8, 1, 1, 0xbe, 0x21, .. new byte[4286]], CheckpointError.Malformed, "is a checkpoint of two formats at once");

    // To TorchSharp a name may come twice: int16 of [65, 66], and a module of AB and AB.
    [Fact]
    public void So_is_one_whose_module_has_a_name_twice() => Refusal.Of(
        [2, 2, .. "AB"u8, 1, 1, 0xf6, 0x42, .. new byte[8566], 2, .. "AB"u8, 1, 1, 4, .. new byte[4]], CheckpointError.Malformed, "is a checkpoint of two formats at once");

    [Fact]
    public void An_optimizers_state_has_the_names_that_PyTorch_gives()
    {
        var state = new List<byte>([4, .. "Adam"u8, 1, 2, .. new byte[16 + 34]]);
        for (var i = 0; i < 2; i++)
        {
            state.AddRange([.. new byte[8], .. Tensor(6, [2]), .. Bytes(1, 2), .. Tensor(6, [2]), .. Bytes(3, 4), (byte)i]);
            if (i == 1) state.AddRange([.. Tensor(6, [1]), .. Bytes(5)]);
        }

        using var checkpoint = Checkpoint.Open(_folder.Write("opt.dat", state.ToArray()));

        checkpoint.Metadata["optimizer"].Should().Be("Adam");
        checkpoint.Entries.Select(e => e.Name).Should().Equal("state.0.exp_avg", "state.0.exp_avg_sq", "state.1.exp_avg", "state.1.exp_avg_sq", "state.1.max_exp_avg_sq");
        NaiveBytes.Read(checkpoint, checkpoint.Entries[3]).Should().Equal(Bytes(3, 4));
    }

    [Theory]
    [InlineData("SGD", new byte[] { 1, 3 }, "declares 3 states")]
    [InlineData("SGD", new byte[] { 200, 1, 3 }, "declares 200 parameter groups")]
    public void A_state_that_is_too_short_says_whose_it_is(string optimizer, byte[] counts, string says)
    {
        var groups = counts[0] == 1 ? new byte[16 + 26] : [];
        var path = _folder.Write("opt.dat", [(byte)optimizer.Length, .. Encoding.ASCII.GetBytes(optimizer), .. counts, .. groups]);

        Refusal.Of(path, CheckpointError.Truncated, "TorchSharp optimizer, SGD", says);
    }

    [Fact]
    public void Tensors_of_64_dimensions_are_refused_where_there_are_more_than_any_model_has()
    {
        const int Count = 2000;
        byte[] shape = [0, .. Enumerable.Repeat((byte)1, 63)];
        var path = _folder.Write("m.dat", [.. Number(Count), .. Enumerable.Range(0, Count).SelectMany(i => (byte[])[4, .. Encoding.ASCII.GetBytes($"{i:x4}"), 6, 64, .. shape])]);

        Refusal.Of(path, CheckpointError.LimitExceeded, "dimensions in", "more than any model has");
    }

    [Fact]
    public void A_hole_full_of_states_without_tensors_is_refused()
    {
        const long Length = 2_000_000_000;
        // One parameter group of zeros; each byte behind it says that a state has no tensor.
        var path = _folder.Write("opt.dat", [3, .. "SGD"u8, 1, .. Number(Length - 3 - 1 - 1 - 5 - 42), .. new byte[16 + 26]]);
        using (var file = File.OpenWrite(path)) file.SetLength(Length);

        Refusal.Of(path, CheckpointError.LimitExceeded, "takes more work to read");
    }

    [Fact]
    public void Parameter_groups_in_a_hole_are_no_reason_for_more_tensors()
    {
        const int Groups = 1_400_000, GroupBytes = 16 + 34, States = 2_000_000;
        var path = _folder.Write("opt.dat", [4, .. "Adam"u8, .. Number(Groups), .. Number(States)]);
        using (var file = File.OpenWrite(path)) file.SetLength(file.Length + (long)Groups * GroupBytes + 13L * States);

        FluentActions.Invoking(() => Checkpoint.Open(path)).Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.LimitExceeded);
    }

    [Fact]
    public void The_bytes_of_weights_are_no_reason_for_more_tensors()
    {
        const long WeightBytes = 2_000_000_000;
        const int States = 200_000, BytesPerState = 15;
        var path = _folder.Write("opt.dat", [4, .. "Adam"u8, 1, .. Number(1 + States), .. new byte[16 + 34 + 8], .. Tensor(0, [WeightBytes])]);
        using (var file = File.OpenWrite(path)) file.SetLength(file.Length + WeightBytes + 3 + 1 + (long)BytesPerState * States);

        Refusal.Of(path, CheckpointError.LimitExceeded, "describes more ");
    }

    private static byte[] Tensor(int type, long[] shape) => [(byte)type, (byte)shape.Length, .. shape.SelectMany(Number)];

    private static IEnumerable<byte> Number(long value)
    {
        for (; value >= 0x80; value >>= 7) yield return (byte)(value | 0x80);
        yield return (byte)value;
    }

    private static byte[] Bytes(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];
}
