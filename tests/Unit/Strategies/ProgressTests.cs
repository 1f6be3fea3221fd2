using System.Collections.Concurrent;
using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Strategies;

/// <summary>Whoever waits for a load is told how far it is.</summary>
public sealed class ProgressTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static MatrixTheoryData<string, string> Loads => new(
        StrategyCatalog.All.Select(s => s.Name), ["cpu", "sim:1GiB"]);

    [Theory]
    [MemberData(nameof(Loads))]
    public void It_goes_from_nothing_to_everything(string strategy, string device)
    {
        var told = new Told();
        using var model = Loader.Load(Large(), new LoadOptions { Strategy = strategy, Device = Device.Parse(device), Progress = told });

        var bytes = model.ByStorage().Sum(s => s.Key.Bytes);
        told.Reports.Select(p => p.Bytes).Should().BeInAscendingOrder();
        told.Reports.First().Should().Be(new LoadProgress(0, bytes, null));
        told.Reports.Last().Should().Be(new LoadProgress(bytes, bytes, null));
    }

    [Fact]
    public void A_load_that_reads_names_the_tensor_that_it_is_at()
    {
        var told = new Told();
        using var model = Loader.Load(Large(), new LoadOptions { Strategy = "streamed", Progress = told });

        told.Reports.Select(p => p.Tensor).Should().Contain("second");
    }

    // An exception that the disk might have: from within a read it would be taken for one.
    [Theory]
    [InlineData("streamed", 1)]
    [InlineData("eager", 1)]
    [InlineData("mmap-assign", 28 << 20)]
    public void Who_throws_ends_the_load(string strategy, long fromBytes)
    {
        var options = new LoadOptions { Strategy = strategy, Progress = new Throwing(fromBytes) };
        FluentActions.Invoking(() => Loader.Load(Large(), options)).Should().Throw<IOException>().WithMessage("enough");
    }

    public void Dispose() => _folder.Dispose();

    private string Large()
    {
        var path = Path.Combine(_folder.Path, "large.safetensors");
        if (File.Exists(path)) return path;
        TensorDeclaration[] declared = [new("first", DType.Float32, [1 << 20]), new("second", DType.Float32, [6 << 20])];
        using var writer = CheckpointWriter.Create(path, CheckpointFormat.Safetensors, declared);
        foreach (var tensor in declared) writer.Write(new byte[4 * tensor.Shape[0]]);
        writer.Commit();
        return path;
    }

    private sealed class Told : IProgress<LoadProgress>
    {
        public ConcurrentQueue<LoadProgress> Reports { get; } = new();

        public void Report(LoadProgress value) => Reports.Enqueue(value);
    }

    private sealed class Throwing(long fromBytes) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            if (value.Bytes >= fromBytes) throw new IOException("enough");
        }
    }
}
