using Loadline.Checkpoints;
using Loadline.Reading;

namespace Loadline.Unit.Reading;

public class ViewSpansTests
{
    private static readonly StorageEntry Storage = new("a", 0, 400);

    [Fact]
    public void An_element_is_seen_from_the_first_of_a_view_to_its_last()
    {
        // Apart, next to each other, one in another, with gaps, backward in the list, and empty.
        var spans = ViewSpans.Of(new WeightStorage(Storage, 0, 400, [View(50, 2), View(10, 5), View(15, 1), View(11, 2), View(20, 3, stride: 4), View(90, 0)]));

        Enumerable.Range(0, 100).Where(element => spans.Contain(element)).Should().Equal([.. Enumerable.Range(10, 6), .. Enumerable.Range(20, 9), 50, 51]);
    }

    private static TensorEntry View(long offset, long size, long stride = 1) => new("w", DType.Float32, [size], [stride], offset, Storage);
}
