using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Harness.Budgets;
using Loadline.Harness.Making;
using Loadline.Harness.Reports;
using Loadline.Measuring;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Unit.Harness;

namespace Loadline.Unit.Faults;

/// <summary>A disk without room, before the first byte and in the middle, for everything that Loadline writes.</summary>
public sealed class FullDiskTests
{
    private const string Full = @": the disk is full: [\d.]+ ([KMG]i)?B needed, [\d.]+ ([KM]i)?B free$";

    public static TheoryData<CheckpointFormat> Written =>
        [CheckpointFormat.Pth, CheckpointFormat.Safetensors, CheckpointFormat.Sharded, CheckpointFormat.PerTensor, CheckpointFormat.Dat];

    [Theory]
    [MemberData(nameof(Written))]
    public void A_conversion_that_has_no_room_is_refused_before_its_first_byte(CheckpointFormat format)
    {
        using var disk = SmallDisk.OrSkip();
        disk.Fill(leftBytes: 64 * ByteSize.KiB);
        using var source = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));
        var target = disk.At("target");
        var convert = () => CheckpointConverter.Convert(source, target, new ConversionOptions { Format = format });

        convert.Should().Throw<IOException>().Which.Message.Should().MatchRegex("^" + target + Full);
        disk.Names.Should().BeEmpty();

        disk.Empty();
        convert().Tensors.Should().Be(source.Entries.Count);
    }

    [Theory]
    [MemberData(nameof(Written))]
    public void A_checkpoint_that_fills_the_disk_while_it_is_written_is_removed(CheckpointFormat format)
    {
        using var disk = SmallDisk.OrSkip();
        List<TensorDeclaration> tensors = [new("a", DType.Float32, [256, 1024]), new("b", DType.Float32, [256, 1024])];
        var (target, bytes) = (disk.At("target"), new byte[ByteSize.MiB]);
        Random.Shared.NextBytes(bytes);
        using (var writer = CheckpointWriter.Create(target, format, tensors))
        {
            writer.Write(bytes);
            disk.Fill();
            var rest = () =>
            {
                writer.Write(bytes);
                writer.Commit();
            };
            rest.Should().Throw<IOException>().Which.Message.Should().MatchRegex("^" + target + Full);
        }

        disk.Names.Should().BeEmpty();
        disk.Empty();
        using var again = CheckpointWriter.Create(target, format, tensors);
        again.Write(bytes);
        again.Write(bytes);
        again.Commit();
    }

    [Fact]
    public void A_checkpoint_cache_without_room_says_so_and_keeps_nothing()
    {
        using var disk = SmallDisk.OrSkip();
        var cache = new CheckpointCache(disk.At("cache"), new SyntheticCheckpointMaker());
        var source = new GeneratedCheckpoint(new CheckpointRecipe("gpt2-small", CheckpointFormat.Pth, DType.Float32, 0)) { Name = "m" };

        FluentActions.Invoking(() => cache.Provide(source, "budgets.json", _ => { }, TestContext.Current.CancellationToken))
            .Should().Throw<IOException>().Which.Message.Should().MatchRegex("^" + disk.At("cache/gpt2-small-float32-0.pth") + Full);

        Directory.GetFileSystemEntries(disk.At("cache")).Where(file => !file.EndsWith("/.gitignore", StringComparison.Ordinal)).Should().BeEmpty();
    }

    [Fact]
    public void An_offload_folder_without_room_ends_the_load_with_nothing_in_it()
    {
        using var disk = SmallDisk.OrSkip();
        var options = new LoadOptions { Strategy = "device-map", Device = Device.Cpu, DType = TargetDType.Parse("bfloat16") }
            .WithDevices("disk").WithOffloadFolder(disk.At("offload"));
        disk.Fill();
        var load = () => Loader.Load(Fixtures.Path("gpt2-tiny.pth"), options);

        load.Should().Throw<IOException>().Which.Message.Should().MatchRegex("^" + disk.At("offload") + "/[^:]*" + Full);
        disk.Names.Where(name => name != "offload").Should().BeEmpty();
        if (Directory.Exists(disk.At("offload"))) Directory.GetFileSystemEntries(disk.At("offload")).Should().BeEmpty();

        disk.Empty();
        using var model = load();
    }

    [Fact]
    public void Digests_results_and_pages_that_find_no_room_leave_what_was_there()
    {
        using var disk = SmallDisk.OrSkip();
        var results = Measured.File(Measured.Loaded());
        var path = disk.At("written");
        File.WriteAllText(path, "before");
        File.WriteAllText(path + ".digests.json", "before");
        disk.Fill();
        Action[] writes =
        [
            () => results.Write(path), () => ResultPage.Write(results, path),
            () => Digests.Write(path, Enumerable.Range(0, 100).ToDictionary(i => $"{i}", _ => new TensorDigest("float32", [1], new string('0', 64)))),
        ];
        foreach (var write in writes)
        {
            write.Should().Throw<IOException>().Which.Message.Should().MatchRegex("^" + path + @"(\.digests\.json)?" + Full);
            disk.Names.Should().BeEquivalentTo("written", "written.digests.json");
            File.ReadAllText(path).Should().Be("before");
        }

        disk.Empty();
        Array.ForEach(writes, write => write());
    }

    [Fact]
    public void A_load_whose_offload_folder_is_full_is_the_machines_fault_and_not_the_checkpoints()
    {
        using var disk = SmallDisk.OrSkip();
        disk.Fill();
        var events = new List<WorkerEvent>();
        var options = new LoadOptions { Strategy = "device-map", DType = TargetDType.Parse("bfloat16") }.WithDevices("disk").WithOffloadFolder(disk.At("offload"));

        MeasuredLoad.Run(new LoadRequest(Fixtures.Path("gpt2-tiny.pth"), options), events.Add).Should().Be(ExitCodes.Infrastructure);

        events.OfType<FailedEvent>().Single().Message.Should().Contain(disk.At("offload"));
    }
}
