using Loadline.Checkpoints;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Unit.Checkpoints.Pth;

public class NumpyArrayTests
{
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
