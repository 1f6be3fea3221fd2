using System.IO.Compression;
using Loadline.Checkpoints;
using Loadline.Measuring;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Tensors.Limits;
using Loadline.Tensors.Memory;
using Loadline.Unit.Checkpoints;
using Loadline.Unit.Faults;
using Loadline.Unit.Tensors;

namespace Loadline.Unit.Strategies;

/// <summary>What every strategy promises, on every device, for every fixture: a strategy is tested by standing in the catalogue.</summary>
public class StrategyContractTests
{
    private static readonly string[] Checkpoints =
    [
        "gpt2-tiny.pth", "gpt2-tiny-bf16.pth", "gpt2-tiny.safetensors", "gpt2-tiny-parameters", "tied.pth", "views.pth", "dtypes.pth", "scalar-and-empty.pth",
        "gpt2-tiny-legacy.pth", "gpt2-tiny-sharded", "odd/gpt2-tiny.dat", "odd/legacy-views.pth", "odd/sharded-bin", "odd/dtypes.dat",
        "wild/yolo.pt", "wild/lightning.ckpt", "wild/parameters-0.3.pth",
    ];

    public static TheoryData<string, string, string, string?> All => new(
        from strategy in StrategyCatalog.All
        from device in TestEngine.Devices
        from checkpoint in Checkpoints
        from dtype in (string?[])[null, "bfloat16", "float32", "auto"]
        select (strategy.Name, device, checkpoint, dtype));

    public static TheoryData<string, string> OnEachDevice => new(
        from strategy in StrategyCatalog.All
        from device in TestEngine.Devices
        select (strategy.Name, device));

    [Theory]
    [MemberData(nameof(All))]
    public void Every_tensor_arrives_byte_for_byte(string strategy, string device, string fixture, string? dtype)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        using var model = Loader.Load(checkpoint, Options(strategy, device, dtype), TestEngine.New());

        model.Keys.Should().Equal(checkpoint.Entries.Select(e => e.Name).OrderBy(n => Position(checkpoint, n)));
        foreach (var entry in checkpoint.Entries)
        {
            var tensor = model[entry.Name];
            var expected = !entry.DType.IsFloatingPoint || dtype is null ? entry.DType : Target(dtype, checkpoint);
            (tensor.DType, tensor.Device).Should().Be((expected, Device.Parse(device)));
            tensor.Shape.Should().Equal(entry.Shape);
            tensor.ShouldHold(NaiveLoader.Read(entry, expected));
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_engines_counts_equal_the_cost_to_the_byte_and_disposing_frees_all(string strategy, string device, string fixture, string? dtype)
    {
        var options = Options(strategy, device, dtype);
        var engine = TestEngine.New();
        using var checkpoint = Checkpoint.Open(Fixtures.Path(fixture));
        var sizes = LoadSizes.Of(options.LayoutOf(checkpoint), options.RingBytes);
        var room = options.Device.IsAccelerator ? engine.RoomOn(options.Device).Bytes : 0;
        var plan = Planner.Plan(checkpoint, options, MemoryLimits.Here(Device.Cpu) with { DeviceBytes = room });
        var chosen = strategy == "auto" ? plan.Choice! : strategy;
        var peak = StrategyCatalog.Find(chosen).Peak(sizes, options.Device);
        var expected = peak with { HostBytes = peak.HostBytes + sizes.ConversionBytes };
        var planned = plan.Strategies.Single(s => s.Strategy == chosen);
        new PeakMemory(planned.HostBytes - WorkerMemory.Of(options.Engine).OwnBytes, planned.DeviceBytes).Should().Be(expected);

        using (Loader.Load(checkpoint, options, engine))
        {
            new PeakMemory(engine.Host.PeakBytes, engine.Accelerator.PeakBytes).Should().Be(expected);
        }

        (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0));
    }

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void Tied_weights_share_one_storage(string strategy, string device)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("tied.pth"));
        using var model = Loader.Load(checkpoint, Options(strategy, device), TestEngine.New());

        model["out_head.weight"].Storage.Should().BeSameAs(model["tok_emb.weight"].Storage);
    }

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void Arrays_of_NumPy_which_stand_in_the_pickle_are_loaded_even_where_weights_stay_mapped(string strategy, string device)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("wild/numpy-protocol2.pth"));
        using var model = Loader.Load(checkpoint, Options(strategy, device), TestEngine.New());

        checkpoint.Entries.Should().Contain(e => !e.Storage.IsMappable);
        foreach (var entry in checkpoint.Entries) model[entry.Name].ShouldHold(NaiveBytes.Read(checkpoint, entry));
    }

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void Compressed_weights_are_loaded_or_refused_with_what_to_do(string strategy, string device)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path("odd/deflated.pth"));
        var load = () => Loader.Load(checkpoint, Options(strategy, device), TestEngine.New());

        if (strategy == "mmap-assign")
        {
            load.Should().Throw<CheckpointException>().WithMessage("*is compressed and cannot be mapped: use meta-assign or streamed*");
            return;
        }

        using var model = load();
        foreach (var entry in checkpoint.Entries) model[entry.Name].ShouldHold(NaiveBytes.Read(checkpoint, entry));
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim:1GiB")]
    public void Strided_views_of_compressed_weights_are_loaded(string device)
    {
        using var folder = new TemporaryFolder();
        var path = folder["views.pth"];
        using (var source = ZipFile.OpenRead(Fixtures.Path("views.pth")))
        using (var deflated = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            foreach (var record in source.Entries)
            {
                using var from = record.Open();
                using var to = deflated.CreateEntry(record.FullName, CompressionLevel.Optimal).Open();
                from.CopyTo(to);
            }
        }

        using var checkpoint = Checkpoint.Open(path);
        using var model = Loader.Load(checkpoint, Options("streamed", device), TestEngine.New());
        checkpoint.Storages.Should().Contain(s => !s.IsMappable);
        foreach (var entry in checkpoint.Entries) model[entry.Name].ShouldHold(NaiveBytes.Read(checkpoint, entry));
    }

    [Theory]
    [InlineData("eager", "cpu")]
    [InlineData("cpu-then-to", "cpu")]
    [InlineData("cpu-then-to", "sim:1GiB")]
    [InlineData("sequential", "cpu")]
    [InlineData("meta-sequential", "cpu")]
    public void Of_shards_one_is_held_at_a_time(string strategy, string device)
    {
        var engine = TestEngine.New();
        using var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny-sharded"));
        var largest = checkpoint.Files.Max(BytesOf);

        Loader.Load(checkpoint, Options(strategy, device), engine).Dispose();

        largest.Should().BeLessThan(checkpoint.StorageBytes / 2);
        engine.Host.PeakBytes.Should().Be(checkpoint.StorageBytes + largest);

        static long BytesOf(string file)
        {
            using var shard = Checkpoint.Open(file);
            return shard.StorageBytes;
        }
    }

    [Theory]
    [InlineData("odd/gpt2-tiny.dat")]
    [InlineData("gpt2-tiny-legacy.pth")]
    public void Mapped_weights_that_are_not_aligned_can_be_used(string fixture)
    {
        using var aligned = Loader.Load(Fixtures.Path("gpt2-tiny.pth"), Options("mmap-assign", "cpu"));
        using var model = Loader.Load(Fixtures.Path(fixture), Options("mmap-assign", "cpu"));

        model.Values.Should().OnlyContain(t => t.IsMapped);
        foreach (var (name, tensor) in model) tensor.AsSpan<float>().SequenceEqual(aligned[name].AsSpan<float>()).Should().BeTrue(name);
        model["tok_emb.weight"].AsSpan<float>()[1] = 42;
        model["tok_emb.weight"].AsSpan<float>()[1].Should().Be(42);
    }

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void A_file_that_is_cut_after_it_was_opened_is_refused_and_everything_freed(string strategy, string device)
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("gpt2-tiny.pth"));
        var engine = TestEngine.New();
        using var checkpoint = Checkpoint.Open(path);
        using (var file = File.OpenWrite(path)) file.SetLength(file.Length / 2);

        var load = () => Loader.Load(checkpoint, Options(strategy, device), engine);

        load.Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.Truncated);
        (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0));
    }

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void A_file_that_is_cut_between_two_reads_is_refused_and_everything_freed(string strategy, string device)
    {
        foreach (var fixture in (string[])["gpt2-tiny.pth", "gpt2-tiny.safetensors", "views.pth", "odd/views-of-cube.pth", "gpt2-tiny-legacy.pth"])
        {
            using var folder = new TemporaryFolder();
            var path = folder.CopyOf(Fixtures.Path(fixture));
            var engine = TestEngine.New();
            var watched = new WatchedReads();
            using var checkpoint = Checkpoint.Open(path, watched);
            var reads = 0;
            watched.Before = () =>
            {
                if (++reads == 2) Cut(path, checkpoint.Entries.Min(e => e.Storage.Position));
            };

            var load = () => Loader.Load(checkpoint, Options(strategy, device), engine).Dispose();

            if (strategy is "mmap-assign" or "auto" && device == "cpu") load.Should().NotThrow("nothing is read of what stays mapped");
            else load.Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.Truncated);
            (engine.Host.CurrentBytes, engine.Accelerator.CurrentBytes).Should().Be((0, 0));
        }
    }

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void A_folder_whose_file_is_replaced_after_it_was_opened_is_refused(string strategy, string device)
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(Fixtures.Path("gpt2-tiny-parameters"))) folder.CopyOf(file);
        using var checkpoint = Checkpoint.Open(folder.Path);
        var replaced = folder["tok_emb.weight.pt"];
        var longer = File.ReadAllBytes(replaced).Append((byte)0).ToArray();
        File.Delete(replaced);
        File.WriteAllBytes(replaced, longer);

        var load = () => Loader.Load(checkpoint, Options(strategy, device), TestEngine.New());

        load.Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.Changed);
    }

    [Fact]
    public void Mapped_weights_whose_file_was_cut_fail_verification_instead_of_the_process()
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("gpt2-tiny.safetensors"));
        using var checkpoint = Checkpoint.Open(path);
        using var model = Loader.Load(checkpoint, Options("mmap-assign", "cpu"), TestEngine.New());
        Cut(path, 4096);

        var verify = () => new WeightVerifier(checkpoint, readers: 2).Verify(model, checkpoint.Entries);

        verify.Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.Truncated);
        var last = (HostStorage)model[checkpoint.Entries[^1].Name].Storage;
        last.Invoking(s => s.Read(0, new byte[8])).Should().Throw<CheckpointException>().Which.Message.Should().Contain("became shorter while its weights were mapped");
    }

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void The_model_outlives_the_checkpoint_it_was_loaded_from(string strategy, string device)
    {
        Model model;
        byte[] expected;
        using (var checkpoint = Checkpoint.Open(Fixtures.Path("gpt2-tiny.safetensors")))
        {
            checkpoint.TryFind("tok_emb.weight", out var entry).Should().BeTrue();
            expected = NaiveLoader.Read(entry!);
            model = Loader.Load(checkpoint, Options(strategy, device), TestEngine.New());
        }

        using (model) model["tok_emb.weight"].ShouldHold(expected);
    }

    [Fact]
    public void The_catalogue_has_each_name_once()
    {
        StrategyCatalog.All.Select(s => s.Name).Should().OnlyHaveUniqueItems();
        StrategyCatalog.All.Should().OnlyContain(s => s.Summary.Length > 0);
    }

    private static void Cut(string path, long bytes)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(bytes);
    }

    private static LoadOptions Options(string strategy, string device, string? dtype = null) => new()
    {
        Strategy = strategy,
        Device = Device.Parse(device),
        Engine = TestEngine.Name,
        DType = dtype is null ? null : TargetDType.Parse(dtype),
        RingBytes = 3 * ByteSize.MiB,
        Readers = 3,
    };

    private static DType Target(string dtype, Checkpoint checkpoint) =>
        DType.TryParse(dtype, out var known) ? known : checkpoint.Entries.First(e => e.DType.IsFloatingPoint).DType;

    // A model lists its tensors storage by storage, in the order in which the file first uses them.
    private static int Position(Checkpoint checkpoint, string name)
    {
        checkpoint.TryFind(name, out var entry);
        return checkpoint.Entries.ToList().FindIndex(e => e.Storage == entry!.Storage);
    }
}
