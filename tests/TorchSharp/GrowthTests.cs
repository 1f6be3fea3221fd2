using Loadline.Gauges;
using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using Loadline.Tensors.Torch;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>Programs load for months: nothing may stay of a load, whether it came to its end or not.</summary>
public sealed class GrowthTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("auto")]
    [InlineData("streamed")]
    public void Of_400_loads_of_which_50_are_cancelled_half_way_nothing_stays(string strategy)
    {
        var path = _folder["linear.safetensors"];
        using (var saved = torch.nn.Linear(1024, 3072)) saved.SaveWeights(path);
        Repeat(100);
        using var process = ProcessMemory.Open();
        var before = Held(process);

        Repeat(400).Should().Be(50);

        var after = Held(process);
        after.Tensors.Should().Be(before.Tensors);
        // Threads and the test runner's own files come and go. So do glibc's arenas, each with two mappings and perhaps a freed block at its end.
        after.Handles.Should().BeLessThan(before.Handles + 25, "loads that kept a handle would leave 400 or 50");
        after.Maps.Should().BeLessThan(before.Maps + 100, "loads that kept a mapping would leave 400");
        (after.AnonymousBytes - before.AnonymousBytes).Should().BeLessThan(100 * ByteSize.MiB, "cancelled loads that kept their weights would leave 600 MiB");
        Memory.Mappings(path).Should().BeEmpty();

        int Repeat(int times)
        {
            var cancelled = 0;
            for (var i = 0; i < times; i++)
            {
                if (!LoadAndDispose(path, strategy, cancelled: i % 8 == 7)) cancelled++;
            }

            Memory.Collect();
            return cancelled;
        }
    }

    [Fact]
    public void Thirty_models_one_after_the_other_take_the_memory_of_one()
    {
        const int Layers = 6;
        const long ModelBytes = Layers * 16 * ByteSize.MiB;
        var path = _folder["layers.safetensors"];
        using (var saved = NewLayers()) saved.SaveWeights(path);
        LoadAndDispose();
        using var process = ProcessMemory.Open();
        var before = Held(process).AnonymousBytes;

        var most = Enumerable.Range(0, 30).Max(_ =>
        {
            LoadAndDispose();
            // What the module let go lies in the C library's heaps until the next load.
            return process.Read().AnonBytes - before;
        });

        most.Should().BeLessThan(ModelBytes * 3 / 2, "readers whose heaps kept what was freed would have left several models");

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        void LoadAndDispose()
        {
            using var module = Skeleton.Build(NewLayers);
            module.LoadWeights(path, "streamed");
        }

        static torch.nn.Module NewLayers() => torch.nn.Sequential(
            Enumerable.Range(0, Layers).Select(i => ($"{i}", (torch.nn.Module<torch.Tensor, torch.Tensor>)torch.nn.Linear(2048, 2048, hasBias: false))));
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static bool LoadAndDispose(string path, string strategy, bool cancelled)
    {
        using var module = Skeleton.Build(() => torch.nn.Linear(1024, 3072));
        using var cancel = new CancellationTokenSource();
        // What maps reads no weights: it is cancelled at its headers.
        if (cancelled && strategy == "auto") cancel.Cancel();
        try
        {
            module.LoadWeights(path, strategy, options: new ModuleLoadOptions { Progress = cancelled ? new Cancelling(cancel) : null }, cancellation: cancel.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // A load of its own, of a few bytes: it gives back what the C library kept of those before.
    private (long AnonymousBytes, int Handles, int Maps, long Tensors) Held(ProcessMemory process)
    {
        var path = _folder["small.safetensors"];
        using (var saved = torch.nn.Linear(1, 1)) saved.SaveWeights(path);
        using (var module = Skeleton.Build(() => torch.nn.Linear(1, 1))) module.LoadWeights(path, "streamed");
        Memory.Collect();
        return (process.Read().AnonBytes, Directory.GetFiles("/proc/self/fd").Length, File.ReadLines("/proc/self/maps").Count(), TorchLibrary.Load().LivingTensors);
    }

    private sealed class Cancelling(CancellationTokenSource cancel) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            if (value.Bytes > 0) cancel.Cancel();
        }
    }
}
