using Loadline.Checkpoints;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Unit.Checkpoints.Pth;

public class NumpyArrayTests
{
    // By strtol, into 32 bits: _convert_from_str in numpy/_core/src/multiarray/descriptor.c.
    [Theory]
    [InlineData("f04", "f4", 4)]
    [InlineData("<f +8", "f8", 8)]
    [InlineData("i4294967298", "i2", 2)]
    [InlineData("f-4", "f-4", 0)]
    [InlineData("M8[ns]", "M8[ns]", 8)]
    [InlineData("U00", "U0", 0)]
    [InlineData("f4\0", "f4\0", 4)]
    public void A_size_is_read_as_NumPy_reads_it(string code, string plain, int bytes)
    {
        var type = new NumpyDType(code);

        (type.Code, type.ElementBytes).Should().Be((plain, bytes));
    }

    [Fact]
    public void An_array_is_equal_to_itself_only_however_long_the_chain_that_it_was_filled_with()
    {
        var (ledger, first) = (new Ledger(), new NumpyArray());
        var state = new PickleTuple([1L, PickleTuple.Empty, new NumpyDType("f4"), false, new byte[4]]);
        for (var (array, i) = (first, 0); i < 200_000; i++, array = array.Filled!) array.SetState(state, ledger).Should().BeTrue();

        first.Filled!.Equals(first.Filled.Filled).Should().BeFalse();
        first.Equals(first).Should().BeTrue();
    }
}
