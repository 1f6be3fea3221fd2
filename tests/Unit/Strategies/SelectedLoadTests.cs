using System.Globalization;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Checkpoints.Selection;
using Loadline.Forward.Models;
using Loadline.Strategies;
using Loadline.Strategies.Planning;
using Loadline.Tensors;
using Loadline.Unit.Checkpoints;
using Loadline.Unit.Tensors;

namespace Loadline.Unit.Strategies;

/// <summary>Loads of a part of a checkpoint: what is left out is neither read nor counted.</summary>
[Collection(nameof(Alone))]
public sealed class SelectedLoadTests : IDisposable
{
    // Headers, what the runtime reads of its own files meanwhile, and the file's first block, by which direct reads are tried.
    private const long ReadBesideBytes = 512 * ByteSize.KiB;

    private static readonly EntrySelection OneOfThem = new() { Include = ["t01"], Rename = ["t01=encoder.weight"] };

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, string> OnEachDevice => StrategyContractTests.OnEachDevice;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(OnEachDevice))]
    public void Every_strategy_loads_what_was_chosen_by_the_names_that_were_given(string strategy, string device)
    {
        var names = new EntrySelection { Include = ["trf_blocks.0.*", "*_emb.*"], Rename = ["trf_blocks.*=h.*"] };
        var options = new LoadOptions { Strategy = strategy, Device = Device.Parse(device), Names = names };
        using var all = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"));
        using var model = Loader.Load(all, options, TestEngine.New());

        var chosen = all.Entries.Where(e => e.Name.StartsWith("trf_blocks.0.") || e.Name.Contains("_emb.")).ToList();
        model.Keys.Should().BeEquivalentTo(chosen.Select(e => e.Name.Replace("trf_blocks.", "h.")));
        foreach (var entry in chosen) model[entry.Name.Replace("trf_blocks.", "h.")].ShouldHold(NaiveBytes.Read(all, entry));
    }

    [Fact]
    public void A_plan_counts_what_is_chosen()
    {
        using var checkpoint = LargeCheckpoint.Create(_folder["a.safetensors"], tensors: 3, mebibytesEach: 4);
        var limits = new MemoryLimits(ByteSize.GiB, 0);

        long Eager(EntrySelection names) => Planner.Plan(checkpoint, new LoadOptions { Names = names }, limits).Strategies.Single(s => s.Strategy == "eager").HostBytes;

        (Eager(EntrySelection.All) - Eager(OneOfThem)).Should().Be(2 * 2 * 4 * ByteSize.MiB);
    }

    [Fact]
    public void Plans_loads_and_conversions_read_no_more_than_headers_and_what_is_chosen()
    {
        var path = _folder["a.safetensors"];
        LargeCheckpoint.Create(path, tensors: 4, mebibytesEach: 8).Dispose();
        void Load(string strategy) => Loader.Load(path, new LoadOptions { Strategy = strategy, Names = OneOfThem }).Dispose();
        // What is compiled and opened for the first time is not what is measured.
        Load("streamed");
        Convert(path);

        BytesReadBy(() => Plan(path)).Should().BeLessThan(ReadBesideBytes);
        foreach (var strategy in (string[])["streamed", "sequential", "eager"])
        {
            BytesReadBy(() => Load(strategy)).Should().BeInRange(8 * ByteSize.MiB, 8 * ByteSize.MiB + ReadBesideBytes, strategy);
        }

        BytesReadBy(() => Convert(path)).Should().BeInRange(8 * ByteSize.MiB, 8 * ByteSize.MiB + ReadBesideBytes);
    }

    [Fact]
    public void A_model_whose_names_are_all_behind_a_prefix_says_how_to_take_it_off()
    {
        var tiny = Gpt2.Create("gpt2-tiny", DType.Float32, vocabulary: 97, context: 16, width: 24, layers: 3);
        var path = _folder["wrapped.safetensors"];
        using (var wrapped = Checkpoint.Open(Fixtures.Path("gpt2-tiny.pth"), new EntrySelection { Rename = ["*=module.*"] }))
        {
            CheckpointConverter.Convert(wrapped, path, new ConversionOptions { Format = CheckpointFormat.Safetensors }, cancellation: TestContext.Current.CancellationToken);
        }

        FluentActions.Invoking(() => Loader.Load(path, new LoadOptions { Model = tiny })).Should().Throw<CheckpointException>()
            .WithMessage("*tensor 'tok_emb.weight' is missing, but all * names of model gpt2-tiny are there behind 'module.': take that off with --strip module. or --strip auto*");
        foreach (var strip in (string[])["module.", "module", "auto"])
        {
            using var model = Loader.Load(path, new LoadOptions { Model = tiny, Names = new() { Strip = strip } });
            model.Count.Should().Be(tiny.Parameters.Length);
        }
    }

    private void Convert(string path)
    {
        using var source = Checkpoint.Open(path, OneOfThem);
        CheckpointConverter.Convert(source, _folder["out.pth"], new ConversionOptions { Format = CheckpointFormat.Pth });
    }

    private static void Plan(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        Planner.Plan(checkpoint, new LoadOptions { Names = OneOfThem }, new MemoryLimits(ByteSize.GiB, 0));
    }

    // rchar: what read calls of all threads brought in, from the page cache or the disk.
    private static long BytesReadBy(Action action)
    {
        var before = ReadSoFar();
        action();
        return ReadSoFar() - before;
    }

    private static long ReadSoFar() =>
        long.Parse(File.ReadLines("/proc/self/io").Single(line => line.StartsWith("rchar: "))["rchar: ".Length..], CultureInfo.InvariantCulture);
}
