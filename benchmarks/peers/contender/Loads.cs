using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Benchmarks.Contender;

/// <summary>What Loadline does.</summary>
internal static class Loads
{
    private const int MaxSpanElements = 16 * 1024 * 1024;

    /// <summary>A load, and then every weight read once, by as many threads as PyTorch takes.</summary>
    public static string[] Load(Stopwatch clock, string strategy, string device, string path, string? ring, string? readers)
    {
        var options = new LoadOptions { Strategy = strategy, Device = Device.Parse(device) };
        if (ring is not null) options = options with { RingBytes = ByteSize.Parse(ring) };
        if (readers is not null) options = options with { Readers = int.Parse(readers, CultureInfo.InvariantCulture) };
        using var model = Loader.Load(path, options);
        var loaded = clock.Elapsed;
        if (device != "cpu") return [Json.Seconds("seconds", loaded)];

        var sums = new double[model.Count];
        Parallel.ForEach(model.Select((tensor, i) => (tensor.Value, i)), t => sums[t.i] = Sum(t.Value));
        var touched = clock.Elapsed - loaded;
        return [Json.Seconds("seconds", loaded), Json.Seconds("touchSeconds", touched), $"\"sum\": {sums.Sum():0.0}"];
    }

    /// <summary>Opening and indexing: at first, and again in a process that has done it before.</summary>
    public static string[] Open(Stopwatch clock, string path)
    {
        Checkpoint.Open(path).Dispose();
        var first = clock.Elapsed;
        var again = new List<TimeSpan>();
        for (var i = 0; i < 20; i++)
        {
            var start = clock.Elapsed;
            Checkpoint.Open(path).Dispose();
            again.Add(clock.Elapsed - start);
        }

        again.Sort();
        return [Json.Seconds("seconds", first), Json.Seconds("againSeconds", again[again.Count / 2])];
    }

    private static double Sum(Tensor tensor)
    {
        double sum = 0;
        for (long start = 0; start < tensor.ElementCount; start += MaxSpanElements)
        {
            var part = tensor.AsSpan<float>(start, (int)Math.Min(MaxSpanElements, tensor.ElementCount - start));
            sum += Sum(part);
        }

        return sum;
    }

    // Four sums at a time, so that the additions do not wait for each other: the memory is what it waits for.
    private static float Sum(ReadOnlySpan<float> values)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        var (a, b, c, d) = (Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero);
        var i = 0;
        for (; i + 4 <= vectors.Length; i += 4) (a, b, c, d) = (a + vectors[i], b + vectors[i + 1], c + vectors[i + 2], d + vectors[i + 3]);
        for (; i < vectors.Length; i++) a += vectors[i];
        var sum = Vector.Sum(a + b + (c + d));
        foreach (var value in values[(vectors.Length * Vector<float>.Count)..]) sum += value;
        return sum;
    }
}
