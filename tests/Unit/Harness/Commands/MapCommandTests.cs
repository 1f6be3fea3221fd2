using System.Text.Json;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Commands;

public sealed class MapCommandTests : IDisposable
{
    private static readonly string Tiny = Fixtures.Path("gpt2-tiny.pth");

    private readonly FakeHarness _loadline = new();

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task The_map_is_a_tree_with_sizes_below_a_row_for_each_device()
    {
        (await _loadline.RunAsync("map", Tiny, "--device", "sim:96KiB,cpu,disk", "--max-memory", "cpu=60KiB")).Should().Be(0);

        _loadline.Out.Should().MatchRegex(@"^108 KiB in 56 tensors\n")
            .And.MatchRegex(@"sim:0 +39\.8 KiB +96 KiB +29\.2 KiB +its capacity of 96 KiB *\n")
            .And.MatchRegex(@"cpu +29\.2 KiB +60 KiB +9\.1 KiB +as asked for *\n")
            .And.MatchRegex(@"disk +38\.5 KiB +stays mapped *\n")
            .And.MatchRegex(@"gpt2-tiny\.pth +108 KiB *\n├── tok_emb +9\.1 KiB  sim:0 *\n├── pos_emb +1\.5 KiB  sim:0 *\n├── trf_blocks +87\.7 KiB *\n│   ├── 0 +29\.2 KiB  sim:0 *\n│   ├── 1 +29\.2 KiB  cpu *\n│   └── 2 ");
    }

    [Fact]
    public async Task The_json_is_a_map_that_can_be_given_back()
    {
        string[] arguments = ["map", Tiny, "--device", "sim:64KiB,disk", "--json"];
        await _loadline.RunAsync(arguments);
        var json = _loadline.Out;
        File.WriteAllText(_loadline.Folder["map.json"], json);

        (await _loadline.RunAsync([.. arguments, "--map", _loadline.Folder["map.json"]])).Should().Be(0);

        _loadline.Out.Should().Be(json + json);
        JsonDocument.Parse(json).RootElement.GetProperty("out_head").GetString().Should().Be("disk");
    }

    [Fact]
    public async Task GPUs_of_another_machine_are_mapped_with_the_limits_that_are_given()
    {
        if (File.Exists("/dev/nvidiactl")) Assert.Skip("this machine has a driver, whose GPUs count");

        (await _loadline.RunAsync("map", Tiny, "--device", "cuda:0,cuda:1,disk", "--max-memory", "cuda:0=60KiB,cuda:1=48KiB", "--map", "sequential")).Should().Be(0);

        _loadline.Out.Should().MatchRegex(@"cuda:0 .* 60 KiB .* as asked for *\n").And.MatchRegex(@"cuda:1 .* 48 KiB .* as asked for *\n");
    }

    [Theory]
    [InlineData("""{ "tok_emb": "cpu" }""", "the map leaves out pos_emb.weight, *")]
    [InlineData("""{ "": "cpu", "lm_head": "cpu" }""", "the map names lm_head, but the checkpoint has no module or tensor of that name: take it out")]
    [InlineData("""{ "": "sim:0" }""", "the map puts 108 KiB on sim:0, which may hold 64 KiB (its capacity of 64 KiB): move some of the whole model")]
    public async Task A_map_that_is_none_for_the_checkpoint_is_exit_code_2_and_one_line_with_the_names(string map, string problem)
    {
        File.WriteAllText(_loadline.Folder["map.json"], map);

        (await _loadline.RunAsync("map", Tiny, "--device", "sim:64KiB,cpu", "--map", _loadline.Folder["map.json"])).Should().Be(2);

        _loadline.Error.TrimEnd().Should().Match($"loadline: {problem}").And.NotContain("\n");
    }

    [Theory]
    [InlineData("load w.pth --strategy eager --device sim:1GiB,cpu", "'sim:1GiB,cpu' is for --strategy device-map: the other strategies load onto one device")]
    [InlineData("load w.pth --strategy eager --map balanced", "--map is for --strategy device-map")]
    [InlineData("load w.pth --strategy device-map --device sim:1GiB,gpu", "'gpu' is not a device of a list: use cuda:N, sim:CAPACITY as in sim:4GiB, cpu and disk")]
    [InlineData("load w.pth --strategy device-map --max-memory cpu", "'cpu' is no limit: write a device of the list and a size, as in sim:0=1GiB,cpu=2GiB")]
    public async Task A_bad_argument_is_exit_code_2_and_one_line(string arguments, string problem)
    {
        (await _loadline.RunAsync(arguments.Split(' '))).Should().Be(2);

        _loadline.Error.TrimEnd().Should().Be($"loadline: {problem}; see `loadline load --help`");
    }

    [Fact]
    public async Task A_folder_to_offload_to_needs_a_disk()
    {
        (await _loadline.RunAsync("load", "w.pth", "--strategy", "device-map", "--device", "sim:1GiB,cpu", "--offload-folder", "f")).Should().Be(2);

        _loadline.Error.Should().Be("loadline: --offload-folder needs disk among the devices\n");
    }

    [Fact]
    public async Task A_load_in_process_has_the_devices_the_map_and_a_folder_to_offload_to()
    {
        LoadRequest? seen = null;
        _loadline.InProcess = request =>
        {
            seen = request;
            return (0, [FakeEnd.Report(9)]);
        };

        await _loadline.RunAsync("load", "w.pth", "--strategy", "device-map", "--device", "sim:1GiB,cpu,disk", "--map", "sequential", "--max-memory", "cpu=1MiB", "--no-split", "a.*");

        var map = seen!.Options.DeviceMap!;
        (map.Devices!.ToString(), map.Rule.ToString(), map.MaxMemory["cpu"]).Should().Be(("sim:1GiB,cpu,disk", "Sequential", 1 << 20));
        map.NoSplit.Should().Equal("a.*");
        map.OffloadFolder.Should().Be(_loadline.Folder["offload"]);
    }

    [Fact]
    public async Task Under_a_cap_the_worker_gets_them_and_sees_the_map()
    {
        var map = _loadline.Folder["map.json"];
        File.WriteAllText(map, """{ "": "cpu" }""");

        await _loadline.RunAsync("load", Tiny, "--strategy", "device-map", "--device", "sim:1GiB,cpu,disk", "--map", map, "--max-memory", "cpu=1MiB", "--cap", "1GiB");

        var spec = _loadline.Runtime.Specs.Single();
        spec.Command.Should().ContainInOrder("--device", "sim:1GiB,cpu,disk").And.ContainInOrder("--map", map, "--max-memory", "cpu=1MiB");
        spec.Mounts.Should().Contain(map);
        spec.WritableMounts.Should().BeEmpty("nothing in the checkpoint is compressed");
    }

    [Theory]
    [InlineData("odd/deflated.pth", "auto")]
    [InlineData("gpt2-tiny.pth", "bfloat16")]
    public async Task Weights_that_cannot_stay_mapped_give_the_worker_a_folder_to_write_to(string fixture, string dtype)
    {
        await _loadline.RunAsync("load", Fixtures.Path(fixture), "--strategy", "device-map", "--device", "disk", "--dtype", dtype, "--cap", "1GiB");

        var spec = _loadline.Runtime.Specs.Single();
        spec.WritableMounts.Should().Equal(_loadline.Folder["offload"]);
        spec.Command.Should().ContainInOrder("--offload-folder", _loadline.Folder["offload"]);
    }
}
