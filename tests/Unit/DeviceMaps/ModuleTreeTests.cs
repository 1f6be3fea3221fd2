using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Strategies;
using Loadline.Tensors.Limits;

namespace Loadline.Unit.DeviceMaps;

public class ModuleTreeTests
{
    [Fact]
    public void Names_of_more_parts_than_models_have_make_no_more_nodes_than_their_length_justifies()
    {
        const int Tensors = 5000;
        var entries = ModelEntries.Of([.. Enumerable.Range(0, Tensors).Select(i => ($"{i}" + string.Concat(Enumerable.Repeat(".a", 63)), 1L, (string?)null))]);

        var tree = ModuleTree.Of(entries);

        tree.Root.Below().Count().Should().Be(Tensors + 1);
        tree.Root.Below().Where(n => n.IsTensor).Select(n => n.Name).Should().BeEquivalentTo(entries.Select(e => e.Name));
    }

    [Fact]
    public void Names_of_too_many_parts_leave_no_two_modules_of_one_name()
    {
        var deep = string.Concat(Enumerable.Repeat(".x", 63));
        var entries = ModelEntries.Of([("a.b.c", 1, null), ("a.d.w", 5000, null), .. Enumerable.Range(0, 1200).Select(i => ($"{i}{deep}", 1L, (string?)null)), ("a.b", 1, null)]);

        var plan = DeviceMapPlanner.Plan(
            entries, new DeviceMapOptions { Rule = MapRule.Sequential }, new LoadOptions { Strategy = "device-map" }.WithDevices("sim:5500B,cpu").Devices, HostRam.Of(1 << 30));

        plan.Map.Names.Should().HaveCount(entries.Count, "each tensor stands for itself").And.ContainKeys("a.d.w", "a.b.c", "a.b");
    }

    [Fact]
    public void Modules_that_are_tied_by_the_thousand_and_split_one_by_one_are_refused()
    {
        // Each module has a part that is tied to the first one's tensor, and one that makes it too large to go with it.
        var first = ModelEntries.Of(("a.w", 1, null))[0];
        var entries = new List<TensorEntry> { first };
        for (var i = 0; i < 6000; i++)
        {
            entries.Add(first with { Name = $"p{i}.x.w" });
            entries.Add(ModelEntries.Of(($"p{i}.y.w", 1000, null))[0] with { Storage = new StorageEntry("header", i, 1000) });
        }

        var plan = () => DeviceMapPlanner.Plan(
            entries, new DeviceMapOptions { Rule = MapRule.Sequential }, new LoadOptions { Strategy = "device-map" }.WithDevices("sim:900B,disk").Devices, HostRam.Of(1 << 30));

        plan.Should().Throw<DeviceMapException>().WithMessage("a shares memory with so many modules that no map is computed: give one (--map FILE)");
    }
}
