using Loadline.Checkpoints;
using Loadline.Cuda;
using Loadline.DeviceMaps;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Unit.Cuda;
using Loadline.Unit.Faults;

namespace Loadline.Unit.Strategies.Cuda;

/// <summary>Loads onto GPUs that are memory of the host: what is asked of the driver, and in which order.</summary>
public class CudaLoadTests
{
    private const string Small = "gpt2-tiny.safetensors";

    public static TheoryData<string> Strategies => new(StrategyCatalog.All.Select(s => s.Name));

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Everything_is_given_back_and_no_rule_is_broken(string strategy)
    {
        var driver = new InMemoryDriver();
        var engine = new NativeEngine(driver);
        using (var checkpoint = Checkpoint.Open(Fixtures.Path(Small)))
        using (var model = Loader.Load(checkpoint, Options(strategy), engine))
        {
            // The engine goes first: the model keeps what it needs.
            engine.Dispose();
            foreach (var entry in checkpoint.Entries) model[entry.Name].ShouldHold(NaiveLoader.Read(entry));
        }

        driver.Held.Should().BeEquivalentTo(InMemoryDriver.Nothing);
        driver.Broken.Should().BeEmpty();
        driver.CopiesUnderWay.Should().Be(0);
    }

    [Fact]
    public void Reads_go_on_while_copies_are_under_way_and_nobody_waits_for_each()
    {
        using var folder = new TemporaryFolder();
        var reads = new WatchedReads();
        using var checkpoint = LargeCheckpoint.Create(folder["w.safetensors"], tensors: 24, mebibytesEach: 1, reads);
        var driver = new InMemoryDriver();
        var underWay = new List<int>();
        reads.Before = () => underWay.Add(driver.CopiesUnderWay);
        using var engine = new NativeEngine(driver);

        using var model = Loader.Load(checkpoint, Options("streamed") with { RingBytes = 8 * ByteSize.MiB, Readers = 1 }, engine);

        // Eight slots of 1 MiB, with the end of one tensor and the beginning of the next in each but the first and the last, because the file has a header.
        // The first eight are read while all copies before them are still to be made, the others wait for the oldest only.
        underWay.Should().Equal([0, .. Enumerable.Range(0, 14).Select(read => read / 2 * 2 + 1), .. Enumerable.Repeat(14, 33)]);
        driver.CallsOf("cuStreamSynchronize").Should().Be(4, "each of two queues is waited for at the end, and again when it goes");
        driver.CallsOf("cuEventRecord").Should().Be(25);
        reads.Before = null;
        new WeightVerifier(checkpoint, readers: 2).Verify(model, checkpoint.Entries).Tensors.Should().Be(24);
    }

    [Theory]
    [InlineData("streamed", 8)]
    [InlineData("mmap-assign", 0)]
    public void Memory_is_taken_and_pinned_beside_the_copies(string strategy, int slots)
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = LargeCheckpoint.Create(folder["w.safetensors"], tensors: 24, mebibytesEach: 1);
        var atUpload = new List<(int Taken, int Pinned)>();
        var fromPinned = new List<bool>();
        InMemoryDriver driver = null!;
        driver = new()
        {
            OnUpload = (from, bytes) =>
            {
                atUpload.Add((driver.CallsOf("cuMemAlloc"), driver.CallsOf("cuMemHostRegister")));
                fromPinned.Add(driver.IsPinned(from, bytes));
            },
        };
        using var engine = new NativeEngine(driver);

        using var model = Loader.Load(checkpoint, Options(strategy) with { RingBytes = 8 * ByteSize.MiB, Readers = 1 }, engine);

        // Small tensors share a slot, which goes up as one.
        atUpload[0].Taken.Should().Be(1, "all tensors lie in one block");
        atUpload[^1].Should().Be((1, slots));
        fromPinned.Should().OnlyContain(pinned => pinned == (slots > 0));
        if (slots > 0) atUpload.Select(u => u.Pinned).Distinct().Should().Equal(Enumerable.Range(1, slots));
    }

    [Theory]
    [InlineData("streamed")]
    [InlineData("mmap-assign")]
    public void Where_there_may_not_be_room_for_all_nothing_is_read_before_it_is_taken(string strategy)
    {
        using var folder = new TemporaryFolder();
        var reads = new WatchedReads();
        using var checkpoint = Checkpoint.Open(folder.CopyOf(Fixtures.Path(Small)), reads);
        reads.Before = () => throw new InvalidOperationException("the checkpoint is read");
        using var engine = new NativeEngine(new InMemoryDriver { TotalBytes = 5_000_000 + checkpoint.StorageBytes - 1 });

        FluentActions.Invoking(() => Loader.Load(checkpoint, Options(strategy), engine)).Should().Throw<DeviceOutOfMemoryException>();
    }

    [Theory]
    [InlineData("streamed")]
    [InlineData("mmap-assign")]
    public void Where_the_memory_is_in_pieces_each_tensor_gets_its_own(string strategy)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(Small));
        var driver = new InMemoryDriver { LargestPieceBytes = 50_000 };
        var engine = new NativeEngine(driver);
        using (var model = Loader.Load(checkpoint, Options(strategy), engine))
        {
            engine.Dispose();
            foreach (var entry in checkpoint.Entries) model[entry.Name].ShouldHold(NaiveLoader.Read(entry));
        }

        driver.CallsOf("cuMemAlloc").Should().Be(1 + checkpoint.Entries.Count, "a block was asked for once, and then each tensor");
        driver.Held.Should().BeEquivalentTo(InMemoryDriver.Nothing);
        driver.Broken.Should().BeEmpty();
    }

    [Fact]
    public void Small_tensors_share_a_slot_and_each_is_copied_on_its_own()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(Small));
        var driver = new InMemoryDriver();
        using var engine = new NativeEngine(driver);

        using var model = Loader.Load(checkpoint, Options("streamed"), engine);

        driver.CallsOf("cuMemcpyHtoDAsync").Should().Be(checkpoint.Storages.Count);
        driver.CallsOf("cuEventRecord").Should().BeLessThan(checkpoint.Storages.Count / 4);
    }

    [Fact]
    public void Mapped_weights_are_copied_from_pages_that_cannot_be_written()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(Small));
        var sources = new List<string>();
        using var engine = new NativeEngine(new InMemoryDriver { OnUpload = (from, _) => sources.Add(SelfMaps.At(from)) });

        using var model = Loader.Load(checkpoint, Options("mmap-assign") with { Readers = 1 }, engine);

        sources.Should().HaveCount(checkpoint.Storages.Count(s => s.Bytes > 0));
        sources.Should().OnlyContain(map => map.Contains(" r--p ", StringComparison.Ordinal) && map.Contains(Small, StringComparison.Ordinal));
        sources.Should().OnlyContain(map => SelfMaps.Bytes(map, "Private_Dirty") == 0 && SelfMaps.Bytes(map, "Anonymous") == 0);
    }

    [Fact]
    public void Mapped_pages_are_let_go_behind_the_copies()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = LargeCheckpoint.Create(folder["w.safetensors"], tensors: 4, mebibytesEach: 8);
        var mappedBytes = new List<long>();
        using var engine = new NativeEngine(new InMemoryDriver { OnUpload = (from, _) => mappedBytes.Add(SelfMaps.Bytes(SelfMaps.At(from), "Rss")) });

        using var model = Loader.Load(checkpoint, Options("mmap-assign") with { Readers = 1 }, engine);

        // Windows of 4 MiB: each tensor is two of them, but for what its place in the file takes from the first.
        mappedBytes.Should().HaveCount(12).And.OnlyContain(bytes => bytes <= 6 * ByteSize.MiB);
        mappedBytes.Max().Should().BeGreaterThanOrEqualTo(4 * ByteSize.MiB);
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_GPU_that_is_full_is_an_error_with_its_figures_and_everything_is_freed(string strategy)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(Small));
        var driver = new InMemoryDriver { TotalBytes = 5_000_000 + checkpoint.StorageBytes / 2 };
        var engine = new NativeEngine(driver);

        var load = () => Loader.Load(checkpoint, Options(strategy), engine);

        // A map says so before anything is loaded.
        if (strategy == "device-map") load.Should().Throw<DeviceMapException>().WithMessage("*free of the GPU's*");
        else load.Should().Throw<DeviceOutOfMemoryException>().Which.Message.Should().Match("cuda:0 is out of memory: asked for *, * free of *");
        (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0));
        engine.Dispose();
        driver.Held.Should().BeEquivalentTo(InMemoryDriver.Nothing);
        driver.Broken.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Whichever_call_fails_the_error_names_it_and_nothing_leaks(string strategy)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(Small));
        EveryCallFails(strategy, checkpoint);
    }

    [Fact]
    public void Nothing_leaks_where_slots_are_used_again()
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = LargeCheckpoint.Create(folder["w.safetensors"], tensors: 6, mebibytesEach: 1);

        EveryCallFails("streamed", checkpoint).Should().Contain("cuEventSynchronize");
    }

    [Theory]
    [InlineData(7)]
    [InlineData(40)]
    [InlineData(70)]
    public void A_failure_among_several_readers_is_one_error_and_nothing_leaks(int call)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(Small));
        foreach (var strategy in (string[])["streamed", "mmap-assign"])
        {
            var driver = new InMemoryDriver { FailingCall = call };
            var engine = new NativeEngine(driver);

            Failure(() => Loader.Load(checkpoint, Options(strategy), engine))!.Message.Should().Contain($"{driver.Failed} failed");

            engine.Dispose();
            driver.Held.Should().BeEquivalentTo(InMemoryDriver.Nothing);
        }
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_read_leaves_nothing_on_the_GPU()
    {
        using var folder = new TemporaryFolder();
        var reads = new WatchedReads();
        using var checkpoint = Checkpoint.Open(folder.CopyOf(Fixtures.Path(Small)), reads);
        var driver = new InMemoryDriver();
        var count = 0;
        reads.Before = () =>
        {
            if (Interlocked.Increment(ref count) == 20) throw new IOException("its disk is gone");
        };
        var engine = new NativeEngine(driver);

        FluentActions.Invoking(() => Loader.Load(checkpoint, Options("streamed"), engine)).Should().Throw<CheckpointException>().WithMessage("*its disk is gone*");

        engine.Dispose();
        driver.Held.Should().BeEquivalentTo(InMemoryDriver.Nothing);
        driver.Broken.Should().BeEmpty();
    }

    [Fact]
    public void A_map_spreads_a_model_over_GPUs_the_host_and_the_disk()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(Small));
        var driver = new InMemoryDriver { Devices = 2 };
        var engine = new NativeEngine(driver);
        var third = checkpoint.StorageBytes / 3;
        var options = Options("device-map").WithPlaces("cuda:0,cuda:1,cpu,disk", "sequential", $"cuda:0={third},cuda:1={third},cpu={third}", "none");

        using (var model = Loader.Load(checkpoint, options, engine))
        {
            foreach (var entry in checkpoint.Entries) model[entry.Name].ShouldHold(NaiveLoader.Read(entry));
            model.Values.Select(t => t.Device).Distinct().Should().Contain([Device.Cuda(0), Device.Cuda(1), Device.Cpu]);
            foreach (var use in model.DeviceMap!.Uses.Where(u => u.Device.IsAccelerator)) engine.CounterOf(use.Device).PeakBytes.Should().Be(use.WeightBytes).And.BePositive();
        }

        engine.Dispose();
        driver.Held.Should().BeEquivalentTo(InMemoryDriver.Nothing);
    }

    [Fact]
    public void The_drivers_figure_stands_beside_the_count()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(Small));
        using var engine = new NativeEngine(new InMemoryDriver());
        engine.Start([Device.Cuda(0)]);
        var gauge = new DriverGauge(engine);
        gauge.Begin();

        using var model = Loader.Load(checkpoint, Options("streamed"), engine);
        gauge.Note();

        gauge.BaselineBytes.Should().Be(5_000_000);
        gauge.PeakBytes.Should().Be(checkpoint.Storages.Sum(s => (s.Bytes + 511) / 512 * 512)).And.BeGreaterThan(engine.Accelerator.PeakBytes);
    }

    [Fact]
    public void Without_a_GPU_there_is_no_drivers_figure()
    {
        var gauge = new DriverGauge(new NativeEngine(new InMemoryDriver()));
        gauge.Begin();
        gauge.Note();

        (gauge.BaselineBytes, gauge.PeakBytes).Should().Be((null, null));
    }

    [Fact]
    public void Verification_reads_the_weights_back_from_the_GPU()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(Small));
        using var engine = new NativeEngine(new InMemoryDriver());
        using var model = Loader.Load(checkpoint, Options("streamed"), engine);
        var verifier = new WeightVerifier(checkpoint, readers: 2);

        verifier.Verify(model, checkpoint.Entries).Tensors.Should().Be(checkpoint.Entries.Count);

        model["out_head.weight"].Storage.Write(8, new byte[] { 1 });
        verifier.Invoking(v => v.Verify(model, checkpoint.Entries)).Should().Throw<VerificationException>().WithMessage("tensor 'out_head.weight' * has sha256 *");
    }

    [Fact]
    public void A_tensor_on_a_GPU_has_an_address_there_and_none_on_the_host()
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(Small));
        using var engine = new NativeEngine(new InMemoryDriver());
        using var model = Loader.Load(checkpoint, Options("streamed"), engine);
        using var onHost = Loader.Load(checkpoint, new LoadOptions(), engine);

        model["out_head.weight"].DevicePointer.Should().NotBe(0);
        onHost["out_head.weight"].Invoking(t => t.DevicePointer).Should().Throw<InvalidOperationException>().WithMessage("the tensor is on cpu: only one on cuda:N has an address there");
        var copied = new float[3];
        model["out_head.weight"].CopyTo<float>(copied, start: 2);
        copied.Should().Equal(onHost["out_head.weight"].AsSpan<float>(2, 3).ToArray());
        model["out_head.weight"].Invoking(t => t.AsSpan<float>().Length).Should().Throw<InvalidOperationException>().WithMessage("the tensor is on cuda:0: its values cannot be addressed from the host");
    }

    /// <summary>Loads as often as a load calls the driver, and each time another call fails. Returns the calls.</summary>
    private static IReadOnlyList<string> EveryCallFails(string strategy, Checkpoint checkpoint)
    {
        var options = Options(strategy) with { Readers = 1 };
        var calls = CallsOf(options, checkpoint);
        for (var call = 0; call < calls.Count; call++)
        {
            var driver = new InMemoryDriver { FailingCall = call };
            var engine = new NativeEngine(driver);
            var failed = Failure(() => Loader.Load(checkpoint, options, engine));
            engine.Dispose();

            driver.Failed.Should().Be(calls[call]);
            failed.Should().NotBeNull($"call {call}, {calls[call]}, failed");
            failed!.Message.Should().StartWith($"cuda:0: {driver.Failed} failed: CUDA_ERROR_LAUNCH_FAILED (unspecified launch failure): ");
            (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0));
            driver.Held.Should().BeEquivalentTo(InMemoryDriver.Nothing, $"call {call}, {calls[call]}, failed");
            driver.Broken.Should().BeEmpty($"call {call}, {calls[call]}, failed");
        }

        return calls;
    }

    private static List<string> CallsOf(LoadOptions options, Checkpoint checkpoint)
    {
        var driver = new InMemoryDriver();
        using var engine = new NativeEngine(driver);
        using var model = Loader.Load(checkpoint, options, engine);
        return [.. driver.Calls];
    }

    private static Exception? Failure(Func<Model> load)
    {
        try
        {
            load().Dispose();
            return null;
        }
        catch (Exception e) when (e is CudaException or EngineUnavailableException)
        {
            return e;
        }
    }

    private static LoadOptions Options(string strategy) => new() { Strategy = strategy, Device = Device.Cuda(0), RingBytes = 3 * ByteSize.MiB, Readers = 3 };
}
