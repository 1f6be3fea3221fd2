using Loadline.DeviceMaps;
using Loadline.Strategies;
using Loadline.Tensors.Limits;

namespace Loadline.Unit.DeviceMaps;

public class DeviceMapPlannerTests
{
    [Fact]
    public void Tied_weights_go_to_one_device_and_count_once()
    {
        (string, long, string?)[] model = [("a.w", 60, null), ("b.w", 70, null), ("c.w", 60, "a.w"), ("d.w", 10, null)];

        Plan("sim:140B,disk", model).Uses[0].WeightBytes.Should().Be(140, "all of it fits");
        Map(Plan("sim:135B,disk", model)).Should().Equal(new Dictionary<string, string> { ["a"] = "sim:0", ["b"] = "disk", ["c"] = "sim:0", ["d"] = "disk" });
    }

    [Fact]
    public void Ties_hold_together_by_way_of_others()
    {
        // a and b share memory, and so do b and c: none of the three goes anywhere without the others.
        var plan = Plan("sim:70B,disk", ("a.x", 10, null), ("b.x", 10, "a.x"), ("b.y", 50, null), ("c.y", 50, "b.y"), ("d.z", 5, null));

        Map(plan).Should().Equal(new Dictionary<string, string> { [""] = "sim:0" });
        plan = Plan("sim:55B,disk", ("d.z", 5, null), ("a.x", 10, null), ("b.x", 10, "a.x"), ("b.y", 50, null), ("c.y", 50, "b.y"));
        Map(plan).Should().Equal(new Dictionary<string, string> { ["d"] = "sim:0", ["a"] = "disk", ["b"] = "disk", ["c"] = "disk" });
    }

    [Fact]
    public void Blocks_of_known_models_are_not_split_and_others_are()
    {
        (string, long, string?)[] model = [("h.0.p.w", 50, null), ("h.0.q.w", 50, null), ("h.1.p.w", 50, null), ("h.1.q.w", 50, null)];

        Map(Plan("sim:170B,disk", model)).Should().Equal(new Dictionary<string, string> { [""] = "disk" }, "room for a block is kept");
        Map(Plan("sim:200B,disk", model)).Should().Equal(new Dictionary<string, string> { [""] = "sim:0" });
        Map(Plan("sim:210B,disk", [.. model, ("t.w", 20, null)])).Should().Equal(new Dictionary<string, string> { ["h.0"] = "sim:0", ["h.1"] = "disk", ["t"] = "disk" });
        Map(Plan("sim:210B,disk", o => o.WithNoSplit("none"), [.. model, ("t.w", 20, null)]))
            .Should().Equal(new Dictionary<string, string> { ["h.0"] = "sim:0", ["h.1.p"] = "sim:0", ["h.1.q"] = "disk", ["t"] = "disk" });
    }

    [Fact]
    public void A_pattern_that_names_no_module_is_refused()
    {
        var plan = () => Plan("cpu", o => o.WithNoSplit("h.*,layer.*"), ("h.0.w", 1, null));

        plan.Should().Throw<DeviceMapException>().WithMessage("no-split names 'layer.*', but no module is called so: write the last parts of a name*");
    }

    [Fact]
    public void A_file_that_is_sorted_by_name_is_mapped_in_the_order_of_a_forward_pass()
    {
        // As Hugging Face writes it: lm_head first, and block 10 before block 2.
        var names = new[] { "lm_head.weight", "model.embed_tokens.weight" }.Concat(Enumerable.Range(0, 12).Select(i => $"model.layers.{i}.w").Order(StringComparer.Ordinal)).Append("model.norm.weight");

        var plan = Plan("sim:70B,sim:80B", [.. names.Select(n => (n, 10L, (string?)null))]);

        plan.Map.Prefixes.Select(p => $"{p.Key} {p.Value.NameInList}").Should().Equal(
            ["model.embed_tokens sim:0", .. Enumerable.Range(0, 6).Select(i => $"model.layers.{i} sim:0"),
            .. Enumerable.Range(6, 6).Select(i => $"model.layers.{i} sim:1"), "model.norm sim:1", "lm_head sim:1"]);
    }

    [Fact]
    public void Buffers_count_as_parameters_do() =>
        Plan("cpu", ("h.0.att.mask", 100, null), ("h.0.att.w", 10, null)).Uses[0].WeightBytes.Should().Be(110);

    [Fact]
    public void Balanced_accelerators_differ_by_less_than_two_of_the_largest_layers()
    {
        var options = new LoadOptions { Strategy = "device-map" }.WithDevices("sim:2GiB,sim:2GiB").WithMap("balanced");
        var plan = DeviceMapPlanner.Plan(ModelEntries.Of("gpt2-medium"), options.DeviceMap!, options.Devices, HostRam.Of(1L << 30));

        Math.Abs(plan.Uses[0].WeightBytes - plan.Uses[1].WeightBytes).Should().BeLessThan(2 * 205_852_672);
        plan.Uses.Sum(u => u.WeightBytes).Should().Be(1_725_808_640);
    }

    [Fact]
    public void What_does_not_fit_is_named_with_what_there_is_and_what_to_do()
    {
        var plan = () => Plan("sim:100B", ("a.w", 60, null), ("b.w", 70, null));

        plan.Should().Throw<DeviceMapException>().WithMessage("b does not fit, 70 B in all: there is sim:0 (100 B: its capacity of 100 B); add cpu or disk to the devices");
    }

    [Fact]
    public void A_device_that_was_left_is_not_come_back_to()
    {
        var plan = () => Plan("sim:100B,sim:100B", ("a.w", 60, null), ("b.w", 90, null), ("c.w", 30, null));

        plan.Should().Throw<DeviceMapException>().WithMessage("c does not fit, 30 B in all: *");
        Map(Plan("sim:100B,sim:100B,disk", ("a.w", 60, null), ("b.w", 90, null), ("c.w", 30, null)))
            .Should().Equal(new Dictionary<string, string> { ["a"] = "sim:1", ["b"] = "disk", ["c"] = "disk" }, "room for b is kept on the first");
    }

    [Fact]
    public void A_limit_for_a_device_that_is_not_there_is_refused()
    {
        var unknown = () => Plan("sim:100B,cpu", o => o.WithMaxMemory("sim:1=1KiB"), ("a", 1, null));
        var disk = () => Plan("sim:100B,disk", o => o.WithMaxMemory("disk=1KiB"), ("a", 1, null));

        unknown.Should().Throw<DeviceMapException>().WithMessage("there is a limit for sim:1, but the devices are sim:0, cpu");
        disk.Should().Throw<DeviceMapException>().WithMessage("disk takes no limit*");
    }

    [Fact]
    public void A_name_of_many_dots_is_no_tower_to_climb()
    {
        var name = string.Join('.', Enumerable.Repeat("a", 100_000));

        Plan("cpu", (name, 10, null), (name + ".b", 10, null), ("", 1, null), ("a", 1, null), ("..", 1, null)).Uses[0].WeightBytes.Should().Be(23);
    }

    private static Dictionary<string, string> Map(DeviceMapPlan plan) => new(plan.Map.Names);

    private static DeviceMapPlan Plan(string devices, params (string, long, string?)[] tensors) => Plan(devices, o => o, tensors);

    private static DeviceMapPlan Plan(string devices, Func<LoadOptions, LoadOptions> change, params (string, long, string?)[] tensors)
    {
        var options = change(new LoadOptions { Strategy = "device-map" }.WithDevices(devices));
        return DeviceMapPlanner.Plan(ModelEntries.Of(tensors), (options.DeviceMap ?? new()) with { Rule = MapRule.Sequential }, options.Devices, HostRam.Of(1L << 30));
    }
}
