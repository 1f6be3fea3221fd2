using System.Text.Json;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Harness.Commands;

public sealed class PlanCommandTests : IDisposable
{
    private static readonly string Tiny = Fixtures.Path("gpt2-tiny.pth");

    private readonly FakeHarness _loadline = new();

    public void Dispose() => _loadline.Dispose();

    [Fact]
    public async Task The_table_says_what_fits_and_what_to_take()
    {
        (await _loadline.RunAsync("plan", Tiny, "--device", "sim:192KiB")).Should().Be(0);

        _loadline.Out.Should().MatchRegex(@"^108 KiB in \d+ tensors, for 1 GiB of RAM and 192 KiB on sim:192KiB\n")
            .And.MatchRegex(@"no +eager +7\.1 MiB +32 MiB +215 KiB +needs 23\.1 KiB more on the\s+device *\n")
            .And.MatchRegex(@"ok +streamed +71 MiB +[\d.]+ MiB +108 KiB +leaves 953 MiB")
            .And.MatchRegex(@">> +mmap-assign +7 MiB +32 MiB +108 KiB")
            .And.Contain("take mmap-assign: the fastest that fits");
    }

    [Fact]
    public async Task Where_nothing_fits_it_says_so()
    {
        (await _loadline.RunAsync("plan", Tiny, "--ram", "16MiB")).Should().Be(0);

        _loadline.Out.Should().MatchRegex(@"no +mmap-assign +7 MiB +32 MiB +needs 16 MiB more RAM").And.MatchRegex(@"nothing\s+fits:\s+`loadline\s+map\s+\S+\s+--device\s+cpu,disk`\s+spreads\s+it\s+over\s+what\s+there\s+is\s*$");
    }

    [Fact]
    public async Task With_json_there_are_the_members_of_the_contract_and_nothing_else()
    {
        (await _loadline.RunAsync("plan", Tiny, "--device", "sim:1GiB", "--ram", "1GiB", "--vram", "100KiB", "--json")).Should().Be(0);

        var plan = JsonDocument.Parse(_loadline.Out).RootElement;
        Members(plan).Should().Equal("limits", "strategies", "choice");
        JsonSerializer.Serialize(plan.GetProperty("limits")).Should().Be("""{"ramBytes":1073741824,"deviceBytes":102400}""");
        plan.GetProperty("strategies").EnumerateArray().Select(s => s.GetProperty("strategy").GetString())
            .Should().Equal(StrategyCatalog.All.Select(s => s.Name).Where(n => n != "auto"));
        Members(plan.GetProperty("strategies")[0]).Should().Equal("strategy", "hostBytes", "deviceBytes", "fits", "why", "lowestCapBytes");
        plan.GetProperty("choice").ValueKind.Should().Be(JsonValueKind.Null);
    }

    [Fact]
    public async Task For_a_GPU_the_limit_is_what_its_driver_says_is_free()
    {
        _loadline.DeviceRoomBytes = device => device == Device.Cuda(1) ? 150 * ByteSize.KiB : throw new NotSupportedException();

        (await _loadline.RunAsync("plan", Tiny, "--device", "cuda:1")).Should().Be(0);

        _loadline.Out.Should().Contain("and 150 KiB on cuda:1").And.MatchRegex(@"no +eager .* needs 65\.1 KiB more on the\s+device").And.MatchRegex(@"ok +streamed ");
    }

    [Fact]
    public async Task For_a_GPU_of_another_machine_its_memory_is_given()
    {
        _loadline.DeviceRoomBytes = _ => throw new NotSupportedException("there is no GPU here");

        (await _loadline.RunAsync("plan", Tiny, "--device", "cuda:0", "--vram", "80GiB")).Should().Be(0);

        _loadline.Out.Should().Contain("and 80 GiB on cuda:0");
    }

    [Fact]
    public async Task Without_a_driver_the_refusal_is_one_line_with_what_to_install()
    {
        if (File.Exists("/dev/nvidiactl")) Assert.Skip("this machine has a driver");

        (await _loadline.RunAsync("plan", Tiny, "--device", "cuda:0")).Should().Be(2);

        _loadline.Error.TrimEnd().Should().StartWith("loadline: cuda:0: there is no libcuda.so.1: install NVIDIA's driver; ").And.NotContain("\n");
    }

    [Fact]
    public async Task The_ring_counts()
    {
        await _loadline.RunAsync("plan", Tiny, "--device", "sim:1GiB", "--ring", "16MiB");

        _loadline.Out.Should().MatchRegex(@"streamed +23 MiB");
    }

    [Fact]
    public async Task A_dtype_counts_with_the_memory_for_its_conversion_and_what_auto_is_is_said()
    {
        await _loadline.RunAsync("plan", Tiny, "--dtype", "float64");
        await _loadline.RunAsync("plan", Tiny, "--dtype", "auto", "--ram", "64MiB");

        _loadline.Out.Should().MatchRegex(@"^108 KiB in 56 tensors, loaded as float64, for 1 GiB of RAM\n").And.MatchRegex(@"ok +streamed +9\.2 MiB")
            .And.MatchRegex(@">> +mmap-assign +9\.2 MiB +32 MiB +leaves 1015 MiB of RAM; 215 KiB get\s+another\s+dtype and cannot stay mapped *\n")
            .And.MatchRegex(@"108 KiB in 56 tensors, loaded as float32, for 64 MiB of RAM\n").And.MatchRegex(@">> +mmap-assign +7 MiB +32 MiB +leaves 57 MiB of RAM *\n");
    }

    [Theory]
    [InlineData("--vram 1GiB", "--vram needs an accelerator, as in --device cuda:0 or --device sim:4GiB")]
    [InlineData("--device cpu --vram 1GiB", "--vram needs an accelerator, as in --device cuda:0 or --device sim:4GiB")]
    [InlineData("--device gpu", "unknown device 'gpu': known are cpu, cuda:N as in cuda:0, and sim:CAPACITY as in sim:4GiB")]
    [InlineData("--dtype half", "'half' is no dtype to load as: known are float32, float16, bfloat16, float64, auto, and for some names another, as in bfloat16,lm_head.*=float32")]
    [InlineData("--ram much", "--ram 'much' is not a size: write a number and KiB, MiB, GiB or TiB, as in 512MiB")]
    public async Task A_bad_argument_is_exit_code_2_and_one_line(string arguments, string problem)
    {
        (await _loadline.RunAsync(["plan", Tiny, .. arguments.Split(' ')])).Should().Be(2);
        _loadline.Error.TrimEnd().Should().Be($"loadline: {problem}; see `loadline plan --help`");
    }

    private static IEnumerable<string> Members(JsonElement element) => element.EnumerateObject().Select(m => m.Name);
}
