using Loadline.DeviceMaps;

namespace Loadline.Unit.DeviceMaps;

public class ModuleTreeTests
{
    [Fact]
    public void Names_of_more_parts_than_models_have_make_no_more_nodes_than_their_length_justifies()
    {
        const int Tensors = 5000;
        var entries = ModelEntries.Of([.. Enumerable.Range(0, Tensors).Select(i => ($"{i}" + string.Concat(Enumerable.Repeat(".a", 63)), 1L, (string?)null))]);

        var tree = ModuleTree.Of(entries);

        tree.Root.Below().Count().Should().BeInRange(Tensors, (1 << 16) + 9 * Tensors + 64);
        tree.Root.Below().Where(n => n.IsTensor).Select(n => n.Name).Should().BeEquivalentTo(entries.Select(e => e.Name));
    }
}
