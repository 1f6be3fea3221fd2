using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Index;
using Loadline.Strategies;
using Loadline.Tensors.Engines;
using Loadline.Unit.Checkpoints;
using Loadline.Unit.Strategies;

namespace Loadline.Unit.Faults;

/// <summary>Files that are deleted or replaced while they are loaded. Those that are cut stand in <see cref="StrategyContractTests"/>.</summary>
public sealed class FileFaultTests
{
    private static readonly string[] Moments = ["after it was opened", "between two reads", "once it is loaded"];

    public static TheoryData<string, string, string, bool> OneFile => new(
        from strategy in StrategyCatalog.All
        from device in (string[])["cpu", "sim:1GiB"]
        from moment in Moments
        from replaced in (bool[])[false, true]
        select (strategy.Name, device, moment, replaced));

    public static TheoryData<string, string, bool> ManyFiles => new(
        from strategy in StrategyCatalog.All
        from fixture in (string[])["gpt2-tiny-sharded", "gpt2-tiny-parameters"]
        from replaced in (bool[])[false, true]
        select (strategy.Name, fixture, replaced));

    [Theory]
    [MemberData(nameof(OneFile))]
    public void A_file_that_is_deleted_or_replaced_at_any_moment_is_loaded_as_it_was(string strategy, string device, string moment, bool replaced)
    {
        using var load = new LoadCase(strategy, device, "gpt2-tiny.safetensors");
        var reads = new WatchedReads();
        using (var checkpoint = load.Open(reads))
        {
            var expected = checkpoint.Entries.ToDictionary(e => e.Name, e => NaiveBytes.Read(checkpoint, e));
            if (moment == Moments[0]) Lose(load.Path, replaced);
            var count = 0;
            if (moment == Moments[1]) reads.Before = () => _ = ++count == 2 && Lose(load.Path, replaced);
            using var model = load.Load(checkpoint, Engine.Create(EngineNames.Native));
            if (moment == Moments[2]) Lose(load.Path, replaced);

            foreach (var (name, bytes) in expected) model[name].ShouldHold(bytes);
        }

        OpenInThisProcess.ShouldHaveNothingOf(load.Folder);
    }

    [Theory]
    [MemberData(nameof(ManyFiles))]
    public void A_file_of_many_that_is_deleted_or_replaced_after_it_was_opened_is_refused_by_its_name(string strategy, string fixture, bool replaced)
    {
        using var load = new LoadCase(strategy, "cpu", fixture);
        var engine = Engine.Create(EngineNames.Native);
        using (var checkpoint = load.Open())
        {
            var lost = checkpoint.Files[^1];
            Lose(lost, replaced);

            var error = FluentActions.Invoking(() => load.Load(checkpoint, engine)).Should().Throw<CheckpointException>().Which;

            error.Error.Should().Be(replaced ? CheckpointError.Changed : CheckpointError.NotFound);
            error.File.Should().Be(lost);
            engine.Host.CurrentBytes.Should().Be(0);
        }

        OpenInThisProcess.ShouldHaveNothingOf(load.Folder);
    }

    [Fact]
    public void A_checkpoint_that_is_refused_once_its_headers_are_read_closes_its_file()
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("tied.pth"));
        using (var file = SourceFile.Open(path, PositionedReads.OfTheKernel))
        {
            var huge = new TensorEntry("w", DType.UInt8, [1L << 60], [0], 0, new StorageEntry(path, 0, 1));
            var open = () => new CheckpointIndex(path, CheckpointFormat.Pth, [path], [huge], new Dictionary<string, string>(), new FileReads(file));

            open.Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.LimitExceeded);
        }

        OpenInThisProcess.ShouldHaveNothingOf(folder.Path);
    }

    // What takes its place has the same length, and other contents.
    private static bool Lose(string path, bool replaced)
    {
        var bytes = new byte[new FileInfo(path).Length];
        File.Delete(path);
        if (replaced) File.WriteAllBytes(path, bytes);
        return true;
    }
}
