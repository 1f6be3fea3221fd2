using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Gauges;
using Loadline.Unit.Strategies;

namespace Loadline.Unit.Checkpoints.Conversion;

[Collection(nameof(Alone))]
public sealed class ConversionMemoryTests
{
    [Theory]
    [InlineData(CheckpointFormat.Pth, "bfloat16")]
    [InlineData(CheckpointFormat.Sharded, "float64")]
    [InlineData(CheckpointFormat.PerTensor, "float32")]
    public void Memory_does_not_grow_with_the_checkpoint(CheckpointFormat format, string dtype)
    {
        using var folder = new TemporaryFolder();
        DType.TryParse(dtype, out var type);
        WriteHoles(folder["small"], ByteSize.MiB);
        WriteHoles(folder["large"], 256 * ByteSize.MiB);
        var options = new ConversionOptions { Format = format, DType = type };
        // What the runtime takes for the first time is no part of the measurement.
        PeakOf(folder["small"], folder["out"], options);

        PeakOf(folder["large"], folder["out"], options).Should().BeLessThan(16 * ByteSize.MiB);
    }

    [Fact]
    public void A_small_checkpoint_takes_no_large_buffers()
    {
        using var folder = new TemporaryFolder();
        using var source = Checkpoint.Open(Fixtures.Path("dtypes.pth"));
        var options = new ConversionOptions { Format = CheckpointFormat.Safetensors, DType = DType.Float64 };
        var before = GC.GetAllocatedBytesForCurrentThread();

        CheckpointConverter.Convert(source, folder["out"], options, cancellation: TestContext.Current.CancellationToken);

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(ByteSize.MiB);
    }

    private static long PeakOf(string path, string target, ConversionOptions options)
    {
        using var gauge = ProcessMemory.Open();
        using var source = Checkpoint.Open(path);
        GC.Collect();
        var (before, peak) = (gauge.Read().AnonBytes, 0L);
        CheckpointConverter.Convert(
            source, target, options, _ => peak = Math.Max(peak, gauge.Read().AnonBytes), TestContext.Current.CancellationToken);
        return peak - before;
    }

    private static void WriteHoles(string path, long bytes)
    {
        using var writer = CheckpointWriter.Create(path, CheckpointFormat.Safetensors, [new("w", DType.Float32, [bytes / sizeof(float)])], sparse: true);
        writer.WriteHole(bytes);
        writer.Commit();
    }
}
