using Loadline.Checkpoints;
using Loadline.Reading;

namespace Loadline.Unit.Reading;

public class ViewSpansTests
{
    private static readonly StorageEntry Storage = new("a", 0, 400);

    [Fact]
    public void An_element_is_seen_where_a_view_has_it()
    {
        // Apart, next to each other, one in another, with gaps, backward in the list, and empty.
        var spans = ViewSpans.Of(new WeightStorage(Storage, 0, 400, [View(50, 2), View(10, 5), View(15, 1), View(11, 2), View(20, 3, stride: 4), View(90, 0)]));

        Seen(spans).Should().Equal([.. Enumerable.Range(10, 6), 20, 24, 28, 50, 51]);
    }

    [Fact]
    public void Of_views_with_gaps_that_lie_among_each_other_each_has_its_own()
    {
        // Columns 0 and 3 of 8, a block of rows, one that is the other way round, and one whose dimensions take one step together.
        TensorEntry[] views =
        [
            View(0, 5, stride: 8), View(3, 5, stride: 8), View(0, [2, 3], [16, 2]), View(60, [3, 2], [1, 7]), View(80, [2, 2], [2, 2]), View(90, [3, 1], [3, 100]),
        ];
        var spans = ViewSpans.Of(new WeightStorage(Storage, 0, 400, [.. views]));

        int[] held = [0, 8, 16, 24, 32, 3, 11, 19, 27, 35, 0, 2, 4, 16, 18, 20, 60, 61, 62, 67, 68, 69, 80, 81, 82, 83, 84, 90, 93, 96];
        Seen(spans).Should().Equal(held.Distinct().Order());
        ViewSpans.MayHold(views[1], 11).Should().BeTrue();
        ViewSpans.MayHold(views[1], 12).Should().BeFalse();
        ViewSpans.MayHold(views[1], 43).Should().BeFalse();
    }

    [Theory]
    [InlineData(ViewSpans.MostDimensions, 2)]
    [InlineData(ViewSpans.MostDimensions + 1, 49)]
    public void Of_more_than_a_few_what_lies_between_counts(int views, int seen)
    {
        // The same elements again and again, and one view far from them, which goes on being asked.
        var spans = ViewSpans.Of(new WeightStorage(Storage, 0, 400, [.. Enumerable.Repeat(View(50, 2, stride: 48), views), View(0, 2, stride: 10)]));

        Seen(spans).Count().Should().Be(seen + 2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(90)]
    public void From_anywhere_the_next_is_the_one_that_the_indices_of_the_views_say(int step)
    {
        var random = new Random(step);
        for (var n = 0; n < 200; n++)
        {
            var views = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Nested(random)).ToArray();
            var held = views.SelectMany(Elements).ToHashSet();
            var (walk, first) = (new ViewSpans.Walk(ViewSpans.Of(new WeightStorage(Storage, 0, 400, [.. views]))), random.Next(0, 100));

            for (var element = first; element < 1500; element += random.Next(1, step + 1))
                walk.NextFrom(element).Should().Be(held.Where(e => e >= element).DefaultIfEmpty(long.MaxValue).Min(), "of {0}", element);
        }
    }

    // Each dimension steps over those within it, with a gap.
    private static TensorEntry Nested(Random random)
    {
        var (sizes, strides, reach) = (new List<long>(), new List<long>(), 1L);
        for (var d = random.Next(1, 5); d > 0; d--)
        {
            sizes.Insert(0, random.Next(1, 5));
            strides.Insert(0, reach + random.Next(1, 3));
            reach += (sizes[0] - 1) * strides[0];
        }

        return View(random.Next(0, 300), [.. sizes], [.. strides]);
    }

    private static IEnumerable<long> Elements(TensorEntry view)
    {
        IEnumerable<long> elements = [view.StorageOffset];
        foreach (var (size, stride) in view.Shape.Zip(view.Strides)) elements = [.. elements.SelectMany(at => Enumerable.Range(0, (int)size).Select(i => at + i * stride))];
        return elements;
    }

    private static IEnumerable<int> Seen(ViewSpans spans)
    {
        var walk = new ViewSpans.Walk(spans);
        return [.. Enumerable.Range(0, 100).Where(element => walk.NextFrom(element) == element)];
    }

    private static TensorEntry View(long offset, long size, long stride = 1) => View(offset, [size], [stride]);

    private static TensorEntry View(long offset, long[] shape, long[] strides) => new("w", DType.Float32, [.. shape], [.. strides], offset, Storage);
}
