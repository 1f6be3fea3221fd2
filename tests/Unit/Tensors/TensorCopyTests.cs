using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Unit.Checkpoints;

namespace Loadline.Unit.Tensors;

/// <summary><see cref="Tensor.CopyTo"/>: elements in order, wherever they are and however they lie.</summary>
public sealed class TensorCopyTests
{
    public static TheoryData<string, string> Loads =>
        new(from fixture in (string[])["gpt2-tiny.pth", "gpt2-tiny-legacy.pth", "views.pth", "odd/views-of-cube.pth", "scalar-and-empty.pth", "dtypes.pth"]
            from strategy in (string[])["mmap-assign", "streamed"]
            select (fixture, strategy));

    [Theory]
    [MemberData(nameof(Loads))]
    public void All_elements_come_in_order_and_a_part_of_them_from_any_one_on(string fixture, string strategy)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        using var model = Loader.Load(Fixtures.Path(fixture), new LoadOptions { Strategy = strategy });
        foreach (var entry in checkpoint.Entries)
        {
            var (tensor, expected) = (model[entry.Name], NaiveBytes.Read(checkpoint, entry));
            var all = new byte[entry.ByteCount];
            tensor.CopyTo<byte>(all);
            all.Should().Equal(expected, entry.Name);

            var skipped = (int)(tensor.ElementCount / 3);
            var rest = new byte[expected.Length - skipped * tensor.DType.BytesPerElement];
            tensor.CopyTo<byte>(rest, skipped);
            rest.Should().Equal(expected[(expected.Length - rest.Length)..], entry.Name);
        }
    }

    [Fact]
    public void Elements_are_copied_as_a_type_of_their_width_or_as_bytes()
    {
        using var model = Loader.Load(Fixtures.Path("gpt2-tiny.pth"));
        var weight = model["out_head.weight"];
        var values = new float[2];
        weight.CopyTo<float>(values, start: 5);
        values.Should().Equal(weight.AsSpan<float>()[5], weight.AsSpan<float>()[6]);

        weight.Invoking(w => w.CopyTo<Half>(new Half[2])).Should().Throw<InvalidOperationException>().WithMessage("Half has 2 bytes, an element of float32 has 4");
        weight.Invoking(w => w.CopyTo<byte>(new byte[6])).Should().Throw<ArgumentException>().WithMessage("6 bytes end inside of an element of float32*");
        weight.Invoking(w => w.CopyTo<float>(new float[2], weight.ElementCount - 1)).Should().Throw<ArgumentException>().WithMessage("2 elements from * are more than there are*");
        weight.Invoking(w => w.CopyTo<float>(new float[1], -1)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void A_simulated_accelerator_keeps_nothing_to_copy()
    {
        using var model = Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Strategy = "streamed", Device = Device.Sim(1 << 30) });
        model["out_head.weight"].Invoking(w => w.CopyTo<float>(new float[1])).Should().Throw<InvalidOperationException>().WithMessage("*counts bytes and keeps none");
    }
}
