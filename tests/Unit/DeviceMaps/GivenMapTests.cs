using Loadline.DeviceMaps;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Limits;

namespace Loadline.Unit.DeviceMaps;

public class GivenMapTests
{
    private static readonly (string, long, string?)[] Model =
        [("emb.w", 40, null), ("h.0.p", 50, null), ("h.0.q", 50, null), ("h.1.p", 50, null), ("head.w", 40, "emb.w")];

    [Fact]
    public void A_computed_map_is_taken_back()
    {
        var options = new LoadOptions { Strategy = "device-map" }.WithDevices("sim:200B,disk");
        var computed = DeviceMapPlanner.Plan(ModelEntries.Of(Model), options.DeviceMap!, options.Devices, HostRam.Of(1 << 30));

        var plan = Plan("sim:200B,disk", new(computed.Map.Names));

        plan.Map.Prefixes.Should().Equal(computed.Map.Prefixes);
        plan.Uses.Select(u => u.WeightBytes).Should().Equal(computed.Uses.Select(u => u.WeightBytes));
    }

    [Fact]
    public void The_longest_prefix_decides()
    {
        var plan = Plan("sim:200B,cpu,disk", new() { [""] = "disk", ["h.0"] = "sim:0", ["h.0.q"] = "cpu" });

        Model.Select(t => plan.Map.DeviceOf(t.Item1).NameInList).Should().Equal("disk", "sim:0", "cpu", "disk", "disk");
        plan.Uses.Select(u => u.WeightBytes).Should().Equal(50, 50, 90);
    }

    // Of a thousand towers of 62 modules below a name of 60,000 letters: to write their names takes gigabytes.
    [Fact]
    public void Modules_that_the_map_does_not_name_are_not_written_out()
    {
        var entries = ModelEntries.Of([.. Enumerable.Range(0, 1000).Select(i => ($"{new string('y', 60_000)}{i}{string.Concat(Enumerable.Repeat(".a", 15))}.w", 1L, (string?)null))]);
        DeviceList list = new LoadOptions { Strategy = "device-map" }.WithDevices("cpu").Devices;
        var before = GC.GetAllocatedBytesForCurrentThread();

        DeviceMapPlanner.Plan(entries, new DeviceMapOptions { Devices = list, Given = new Dictionary<string, string> { [""] = "cpu" } }, list, HostRam.Of(1 << 30));

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(500 << 20);
    }

    [Theory]
    [InlineData("emb=cpu head=cpu h.0=cpu", "the map leaves out h.1.p: give it a device")]
    [InlineData("=cpu h.7=cpu h=cpu emb.=cpu", "the map names h.7 and emb., but the checkpoint has no module or tensor of that name: take them out")]
    [InlineData("=cpu h=sim:1", "the map puts 'h' on sim:1, but the devices are sim:0, cpu")]
    [InlineData("=cpu head=sim:0", "the map puts emb.w on cpu and head.w on sim:0, but the two share memory: put them on one device")]
    [InlineData("=cpu h=sim:0", "the map puts 150 B on sim:0, which may hold 100 B (its capacity of 100 B): move some of h")]
    public void What_is_no_map_for_the_checkpoint_is_refused_with_the_names(string map, string problem)
    {
        var given = map.Split(' ').Select(p => p.Split('=')).ToDictionary(p => p[0], p => p[1]);

        var plan = () => Plan("sim:100B,cpu", given);

        plan.Should().Throw<DeviceMapException>().WithMessage(problem);
    }

    [Fact]
    public void A_file_of_more_members_than_names_take_is_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["map.json"], "{" + string.Join(',', Enumerable.Range(0, 200_000).Select(i => $"\"{i:x}\":\"0\"")) + "}");

        FluentActions.Invoking(() => DeviceMap.ReadFile(folder["map.json"])).Should().Throw<DeviceMapException>().WithMessage("*it has more than*");
    }

    [Theory]
    [InlineData("{", "is no device map")]
    [InlineData("[]", "is no device map")]
    [InlineData("""{ "a": 1 }""", "is no device map")]
    [InlineData("""{ "a": "cpu", "a": "disk" }""", "is no device map")]
    [InlineData("""{ "a": null }""", "'a' has no device")]
    public void A_file_that_is_no_map_is_refused(string json, string problem)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["map.json"], json);

        var read = () => DeviceMap.ReadFile(folder["map.json"]);

        read.Should().Throw<DeviceMapException>().WithMessage($"{folder["map.json"]}: *{problem}*");
    }

    [Theory]
    [InlineData("/dev/zero", "is no device map")]
    [InlineData("pipe", "is no regular file")]
    public void What_is_no_file_is_refused_without_waiting(string path, string problem)
    {
        using var folder = new TemporaryFolder();
        if (path == "pipe") using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", path = folder["pipe"])) mkfifo.WaitForExit();

        var read = () => DeviceMap.ReadFile(path);

        read.Should().Throw<DeviceMapException>().WithMessage($"{path}: *{problem}*");
    }

    [Fact]
    public void A_name_that_begins_with_a_dot_is_not_the_whole_model()
    {
        var list = DeviceList.Parse("sim:100B,cpu");
        var options = new DeviceMapOptions { Devices = list, Given = new Dictionary<string, string> { [""] = "cpu", [".x"] = "sim:0" } };

        DeviceMapPlanner.Plan(ModelEntries.Of(("", 4, null), (".x", 4, null), ("a..b", 4, null)), options, list, HostRam.Of(1 << 30)).Map.Names.Should().Contain(options.Given);
    }

    [Fact]
    public void A_rule_that_is_misspelt_is_refused_with_those_there_are()
    {
        var read = () => new LoadOptions().WithMap("balancd");

        read.Should().Throw<DeviceMapException>().WithMessage("balancd: is no rule (auto, balanced, balanced_low_0, sequential), and no map that can be read: *");
    }

    private static DeviceMapPlan Plan(string devices, Dictionary<string, string> given)
    {
        var list = DeviceList.Parse(devices);
        return DeviceMapPlanner.Plan(ModelEntries.Of(Model), new DeviceMapOptions { Devices = list, Given = given }, list, HostRam.Of(1 << 30));
    }
}
