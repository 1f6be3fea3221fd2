using System.Collections.Immutable;
using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

public class ViewShapeTests
{
    [Fact]
    public void Equal_sizes_and_strides_are_one_key_and_others_are_not()
    {
        var keys = new HashSet<ViewShape> { Of([2, 3], [3, 1]), Of([2, 3], [3, 1]), Of([3, 2], [3, 1]), Of([2, 3], [1, 2]), Of([2, 3, 3, 1], []), Of([], []), Of([], []) };

        keys.Should().HaveCount(5);
    }

    private static ViewShape Of(ImmutableArray<long> sizes, ImmutableArray<long> strides) => new(sizes, strides);
}
