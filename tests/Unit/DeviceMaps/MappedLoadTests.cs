using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.Unit.DeviceMaps;

/// <summary>Loads that put a model on several devices.</summary>
public sealed class MappedLoadTests : IDisposable
{
    private const string Several = "sim:40KiB,sim:32KiB,cpu,disk";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gpt2-tiny.pth")]
    [InlineData("gpt2-tiny-bf16.pth")]
    [InlineData("gpt2-tiny-sharded")]
    [InlineData("gpt2-tiny-parameters")]
    [InlineData("gpt2-tiny-legacy.pth")]
    [InlineData("odd/gpt2-tiny.dat")]
    [InlineData("tied.pth")]
    [InlineData("views.pth")]
    [InlineData("scalar-and-empty.pth")]
    public void Every_device_gets_what_the_plan_says_to_the_byte_and_the_weights_are_right(string fixture)
    {
        var options = Options(Several, "cpu=60KiB");
        var engine = new NativeEngine();
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        using (var model = Loader.Load(checkpoint, options, engine))
        {
            new WeightVerifier(checkpoint, readers: 2).Verify(model, checkpoint.Entries).Tensors.Should().Be(checkpoint.Entries.Count);

            var plan = model.DeviceMap!;
            foreach (var use in plan.Uses.Where(u => u.Device.IsAccelerator)) engine.CounterOf(use.Device).PeakBytes.Should().Be(use.WeightBytes);
            engine.Host.PeakBytes.Should().Be(plan.HostBytes);
            engine.Accelerator.PeakBytes.Should().Be(plan.AcceleratorBytes);
            plan.Uses.Should().OnlyContain(u => u.LimitBytes == null || u.WeightBytes <= u.LimitBytes);
            foreach (var (name, tensor) in model)
            {
                var device = plan.Map.DeviceOf(name);
                tensor.Device.Should().Be(device == Device.Disk ? Device.Cpu : device, name);
                tensor.IsMapped.Should().Be(device == Device.Disk && tensor.Storage.Bytes > 0, name);
            }
        }

        (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0));
    }

    [Fact]
    public void Weights_of_a_file_that_another_replaced_are_not_taken_for_its_own_whatever_time_it_claims()
    {
        var options = Options("disk").WithOffloadFolder(_folder["offload"]) with { DType = DType.Float64 };
        var path = _folder["m.safetensors"];
        foreach (var value in (float[])[1, 2])
        {
            using (var writer = CheckpointWriter.Create(path, CheckpointFormat.Safetensors, [new TensorDeclaration("w", DType.Float32, [1])]))
            {
                writer.Write(BitConverter.GetBytes(value));
                writer.Commit();
            }

            File.SetLastWriteTimeUtc(path, new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc));
            using var checkpoint = Checkpoint.Open(path);
            using var model = Loader.Load(checkpoint, options, new NativeEngine());

            model["w"].AsSpan<double>()[0].Should().Be(value);
        }
    }

    [Fact]
    public void Weights_that_get_another_dtype_are_planned_and_placed_in_it()
    {
        var options = Options("sim:20KiB,sim:16KiB,cpu,disk", "cpu=30KiB").WithOffloadFolder(_folder["offload"]) with { DType = DType.BFloat16 };
        var engine = new NativeEngine();
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));
        using var model = Loader.Load(checkpoint, options, engine);

        new WeightVerifier(checkpoint, readers: 2).Verify(model, checkpoint.Entries).Bytes.Should().Be(checkpoint.StorageBytes / 2);
        var plan = model.DeviceMap!;
        plan.Uses.Sum(u => u.WeightBytes).Should().Be(checkpoint.StorageBytes / 2);
        foreach (var use in plan.Uses.Where(u => u.Device.IsAccelerator)) engine.CounterOf(use.Device).PeakBytes.Should().Be(use.WeightBytes);
        engine.Host.PeakBytes.Should().Be(plan.HostBytes + 2 * ByteSize.MiB, "weights are converted through 2 MiB");
        model.Where(t => plan.Map.DeviceOf(t.Key) == Device.Disk).Should().NotBeEmpty().And.OnlyContain(t => t.Value.IsMapped && t.Value.DType == DType.BFloat16);
    }

    [Fact]
    public void Another_dtype_cannot_stay_on_disk_without_a_folder()
    {
        var load = () => Loader.Load(Fixtures.Path("gpt2-tiny.pth"), Options("disk") with { DType = DType.BFloat16 });

        load.Should().Throw<CheckpointException>().WithMessage("*gets another dtype and cannot stay mapped on disk: give an offload folder*");
    }

    [Fact]
    public void The_planner_counts_the_same()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));
        var options = Options(Several, "cpu=60KiB");
        var map = MapPlanner.Plan(checkpoint, options);

        var plan = Planner.Plan(checkpoint, options, new MemoryLimits(1 << 30, 72 << 10));

        plan.Strategies.Should().ContainSingle().Which.Should().Match<PlannedStrategy>(
            s => s.Strategy == "device-map" && s.Fits && s.HostBytes == map.HostBytes + WorkerMemory.Of(EngineNames.Native).OwnBytes && s.DeviceBytes == map.AcceleratorBytes);
        Planner.Plan(checkpoint, Options("sim:40KiB", "sim:0=30KiB"), new MemoryLimits(1 << 30, 40 << 10)).Strategies.Single()
            .Should().Match<PlannedStrategy>(s => !s.Fits && s.Why.Contains("do not fit"));
    }

    [Fact]
    public void The_report_has_the_map_and_the_peak_of_each_device()
    {
        var events = new List<WorkerEvent>();

        MeasuredLoad.Run(new LoadRequest(Fixtures.Path("gpt2-tiny.pth"), Options(Several, "cpu=60KiB")), events.Add).Should().Be(ExitCodes.Loaded);

        var report = events.OfType<LoadReport>().Single();
        report.Device.Should().Be(Several);
        report.DeviceMap.Should().ContainKey("tok_emb").WhoseValue.Should().Be("sim:0");
        report.Devices!.Select(d => d.Device).Should().Equal("sim:0", "sim:1", "cpu", "disk");
        report.Devices!.Select(d => d.LimitBytes).Should().Equal(40 << 10, 32 << 10, 60 << 10, null);
        report.Devices.Should().OnlyContain(d => d.PeakBytes > 0);
        report.Devices!.Sum(d => d.PeakBytes).Should().Be(report.WeightBytes);
        (report.Devices![2].PeakBytes, report.Devices[3].PeakBytes).Should().Be((report.HostBytes, report.MappedBytes));
    }

    [Fact]
    public void A_map_that_does_not_fit_is_refused_before_anything_is_read()
    {
        var events = new List<WorkerEvent>();

        MeasuredLoad.Run(new LoadRequest(Fixtures.Path("gpt2-tiny.pth"), Options("sim:40KiB,sim:32KiB")), events.Add).Should().Be(ExitCodes.Refused);

        events.OfType<PhaseEvent>().Select(p => p.Phase).Should().Equal("open");
        events[^1].Should().BeOfType<FailedEvent>().Which.Message.Should().EndWith("add cpu or disk to the devices");
    }

    [Fact]
    public void What_is_compressed_cannot_stay_on_disk_without_a_folder_and_the_message_says_what_to_do()
    {
        var load = () => Loader.Load(Fixtures.Path("odd/deflated.pth"), Options("disk"));

        load.Should().Throw<CheckpointException>().WithMessage("*is compressed and cannot stay mapped on disk: give an offload folder to write it to (--offload-folder), or convert*");
    }

    [Fact]
    public void What_is_compressed_is_written_to_the_offload_folder_once_and_mapped_from_there()
    {
        var options = Options("disk").WithOffloadFolder(_folder["offload"]);

        LoadAndVerify(options);
        var written = Files();
        LoadAndVerify(options);

        written.Should().NotBeEmpty();
        Files().Should().Equal(written, "the second load takes what the first has written");

        List<(string, DateTime)> Files() => [.. Directory.GetFiles(_folder["offload"]).Order().Select(f => (f, File.GetLastWriteTimeUtc(f)))];
    }

    [Fact]
    public void An_offloaded_file_that_was_damaged_is_written_again()
    {
        var options = Options("disk").WithOffloadFolder(_folder["offload"]);
        LoadAndVerify(options);
        var path = Directory.GetFiles(_folder["offload"], "*.safetensors")[0];
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);

        LoadAndVerify(options);

        bytes[^1] ^= 1;
        File.ReadAllBytes(path).Should().Equal(bytes);
    }

    [Fact]
    public void An_offloaded_file_that_was_cut_is_written_again()
    {
        var options = Options("disk").WithOffloadFolder(_folder["offload"]);
        LoadAndVerify(options);
        var path = Directory.GetFiles(_folder["offload"], "*.safetensors")[0];
        using (var file = File.OpenWrite(path)) file.SetLength(file.Length / 2);

        LoadAndVerify(options);
    }

    private static void LoadAndVerify(LoadOptions options)
    {
        var engine = new NativeEngine();
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/deflated.pth"));
        using var model = Loader.Load(checkpoint, options, engine);
        model.Values.Should().OnlyContain(t => t.IsMapped);
        engine.Host.PeakBytes.Should().Be(0);
        new WeightVerifier(checkpoint, readers: 1).Verify(model, checkpoint.Entries);
    }

    private static LoadOptions Options(string devices, string? maxMemory = null)
    {
        var options = new LoadOptions { Strategy = "device-map" }.WithDevices(devices);
        return maxMemory is null ? options : options.WithMaxMemory(maxMemory);
    }
}
