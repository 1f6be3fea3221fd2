using Loadline.Benchmarks;
using Loadline.Benchmarks.Gpu;

namespace Loadline.Unit.Benchmarks;

/// <summary>What the GPU benchmark makes of its measurements: verdicts that can fail, and gaps that say so.</summary>
public sealed class GpuRecordTests : IDisposable
{
    private const long Weights = 6 * ByteSize.GiB;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_measured_is_met_or_missed_and_the_rest_is_not_measured()
    {
        var record = Record();
        record.Put(Load("eager", 4, requested: 2 * Weights));
        record.Put(Load("streamed", 1, requested: Weights, baseline: 300, peak: 390));
        record.Put(Load("mmap-assign", 2, requested: Weights + 1));
        record.Put(Load("torch.load", 2.5));

        Verdicts(record).Should().Contain("gpt2-xl: eager asks the device for twice the weights, to the byte", "met")
            .And.Contain("gpt2-xl: streamed asks the device for the weights, to the byte", "met")
            .And.Contain("gpt2-xl: mmap-assign asks the device for the weights, to the byte", "missed")
            .And.Contain("gpt2-xl: streamed holds on the host, over its context, against ring + 32 MiB", "met")
            .And.Contain("gpt2-xl: torch.load takes so many times as long as streamed", "missed")
            .And.Contain("gpt2-xl: safetensors.load_file takes so many times as long as streamed", "not measured");
    }

    [Theory]
    [InlineData(4, 6, "missed")]
    [InlineData(6, 4, "missed")]
    [InlineData(6.8, 5, "met")]
    [InlineData(5, 6.8, "met")]
    public void The_warm_rate_is_held_against_the_slower_of_the_bus_and_the_page_cache(double busSeconds, double cacheSeconds, string verdict)
    {
        // The limits move as many bytes as the load, which takes 8 s.
        var record = Record();
        record.Put(Load("streamed", 8));
        record.Put(With(new GpuRow("limit", "", "pinned copy", Side.Limit, false, Weights), busSeconds));
        record.Put(With(new GpuRow("limit", "gpt2-xl", FileLimits.ReadBy(8), Side.Limit, false, Weights), cacheSeconds));

        Verdicts(record).Should().Contain("gpt2-xl: streamed, warm, against the pinned copy or 8 readers of the page cache, whichever is slower", verdict);
    }

    [Fact]
    public void A_weight_that_was_not_compared_or_differed_misses_the_target()
    {
        var record = Record();
        record.Put(With(new GpuRow("digest", "gpt2-xl", "streamed", Side.Loadline, false, Weights), 1));
        record.Put(new GpuRow("digest", "gpt2-xl", "eager", Side.Loadline, false, Weights) { WhyNot = "tensor 'a' differs" });

        Verdicts(record).Should().Contain("gpt2-xl: loads whose every tensor had the recorded digest", "missed");
    }

    [Fact]
    public void What_nobody_had_time_for_is_not_measured_rather_than_missed()
    {
        var record = Record();
        record.Put(new GpuRow("digest", "gpt2-xl", "eager", Side.Loadline, false, Weights) { WhyNot = "0 of 1 rounds: the time was up" });

        Verdicts(record).Should().Contain("gpt2-xl: loads whose every tensor had the recorded digest", "not measured");
    }

    [Fact]
    public void A_record_is_read_as_it_was_written_and_its_page_names_the_gaps()
    {
        var record = Record();
        record.Put(Load("streamed", 1, requested: Weights, baseline: 300, peak: 390));
        record.Put(With(new GpuRow(GpuRecord.SettingsGroup, "gpt2-xl", "streamed --ring 16MiB", Side.Loadline, true, Weights), 3));
        record.Put(new GpuRow("load", "gpt2-xl", "load_file", Side.Safetensors, false, Weights) { WhyNot = "there is no safetensors" });
        record.Caps["gpt2-xl"] = new GpuCap(null, "this kernel does not enforce a cap");

        record.Save(_folder.Path);

        using var again = new TemporaryFolder();
        GpuRecordFile.Find(_folder.Path)!.Save(again.Path);
        File.ReadAllText(again["gpu.json"]).Should().Be(File.ReadAllText(_folder["gpu.json"])).And.Contain($"\"peakAnonymousBytes\": {390 * ByteSize.MiB}");
        var page = File.ReadAllText(_folder["2026-11-21-gpu.md"]);
        page.Should().StartWith("# Onto a GPU, 2026-11-21\n\nA100, driver 580; Xeon, 16 cores, 64 GiB, kernel 6.1;")
            .And.Contain("| Loadline | streamed | 1.00 (1.00–1.00) | 6.0 |  |  | 6144 |")
            .And.Contain("\n| ring of 64 MiB and 8 readers, or |")
            .And.Contain("\n| streamed --ring 16MiB |  |  | 3.00 (3.00–3.00) | 2.0 |")
            .And.Contain("No load under a cap was measured: this kernel does not enforce a cap.\n")
            .And.Contain("- load, warm: there is no safetensors: load_file\n")
            .And.Contain("| mmap (`mmap-assign`) | 6.4 | not measured | not measured | 5.9 | not measured |\n");
    }

    [Fact]
    public void What_was_not_measured_on_a_GPU_says_so_and_fills_no_cell_of_the_articles_table()
    {
        var record = Record() with { Device = "sim:64GiB" };
        record.Put(Load("eager", 4, requested: 2 * Weights));

        GpuMarkdown.Of(record).Should().Contain("**A rehearsal on sim:64GiB, without a GPU: nothing here says anything of one.**")
            .And.Contain("| baseline (`eager`) | 12.8 | not measured | not measured | 4.4 | not measured |");
    }

    [Fact]
    public void A_second_measurement_takes_the_place_of_the_first()
    {
        var record = Record();
        record.Put(Load("streamed", 9));
        record.Put(Load("streamed", 1));

        record.Rows.Should().ContainSingle().Which.Seconds.Should().Be(1);
    }

    [Theory]
    [InlineData(new[] { 3.0 }, 3)]
    [InlineData(new[] { 9.0, 1, 2 }, 2)]
    [InlineData(new[] { 4.0, 1, 2, 9 }, 3)]
    public void The_median_is_the_middle(double[] values, double median) => values.Median().Should().Be(median);

    private static GpuRecord Record() => new()
    {
        Date = "2026-11-21",
        Device = "cuda:0",
        Machine = new GpuMachine("A100", "580", "Xeon", 16, 64 * ByteSize.GiB, "6.1"),
        Versions = new GpuVersions("3.12", "2.11", "13.0", "0.8"),
        RingBytes = 64 * ByteSize.MiB,
        Readers = 8,
        WeightBytes = { ["gpt2-xl"] = Weights },
    };

    private static GpuRow Load(string name, double seconds, long? requested = null, long? baseline = null, long? peak = null)
    {
        var row = new GpuRow("load", "gpt2-xl", name, Side.Loadline, false, Weights);
        row.Runs.Add(new GpuRun(seconds)
        {
            RequestedDeviceBytes = requested,
            BaselineAnonymousBytes = baseline * ByteSize.MiB,
            PeakAnonymousBytes = peak * ByteSize.MiB,
        });
        return row;
    }

    private static GpuRow With(GpuRow row, double seconds)
    {
        row.Runs.Add(new GpuRun(seconds));
        return row;
    }

    private static Dictionary<string, string> Verdicts(GpuRecord record) => GpuTargets.All(record).ToDictionary(t => t.What, t => t.Verdict);
}
