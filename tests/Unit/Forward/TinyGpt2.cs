using Loadline.Checkpoints;
using Loadline.Forward;
using Loadline.Measuring;
using Loadline.Strategies;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Forward;

/// <summary>The fixtures' GPT-2: 3 blocks of 4 heads, whose logits PyTorch computed.</summary>
internal static class TinyGpt2
{
    public const int Heads = 4;

    /// <summary>The logits of all positions, one after the other.</summary>
    public static float[] Compute(string path, LoadOptions? load = null, long? residentBytes = null) => Compute(path, load, residentBytes, new NativeEngine());

    public static float[] Compute(string path, LoadOptions? load, long? residentBytes, NativeEngine engine)
    {
        var logits = Run(path, load ?? new LoadOptions(), residentBytes, engine);
        return [.. Enumerable.Range(0, logits.Positions).SelectMany(position => logits[position].ToArray())];
    }

    public static Logits Run(string path, LoadOptions load, long? residentBytes, NativeEngine engine)
    {
        using var checkpoint = Checkpoint.Open(path);
        var forward = new ForwardVerifier(checkpoint, load, new ForwardOptions(Heads, residentBytes));
        using var model = Loader.Load(checkpoint, load, engine);
        return forward.Run(model);
    }

    /// <summary>A copy of a fixture's tensors as safetensors, each changed, or left out for null.</summary>
    public static string Write(TemporaryFolder folder, Func<TensorEntry, byte[], (DType DType, byte[] Bytes)?> change, string fixture = "gpt2-tiny.pth")
    {
        using var source = Checkpoint.Open(Fixtures.Path(fixture));
        var tensors = new List<(TensorDeclaration Declared, byte[] Bytes)>();
        foreach (var entry in source.Entries)
        {
            var bytes = new byte[entry.ByteCount];
            source.Read(entry.Storage, 0, bytes);
            if (change(entry, bytes) is var (dtype, changed)) tensors.Add((new TensorDeclaration(entry.Name, dtype, entry.Shape), changed));
        }

        var path = folder["gpt2.safetensors"];
        using var writer = CheckpointWriter.Create(path, CheckpointFormat.Safetensors, [.. tensors.Select(t => t.Declared)]);
        foreach (var (_, bytes) in tensors) writer.Write(bytes);
        writer.Commit();
        return path;
    }

    /// <summary>What a measured load with a forward ends with.</summary>
    public static (int ExitCode, List<WorkerEvent> Events) Measure(string path, LoadOptions? load = null, int? heads = Heads, long? residentBytes = null)
    {
        var events = new List<WorkerEvent>();
        var request = new LoadRequest(path, load ?? new LoadOptions()) { Forward = new ForwardOptions(heads, residentBytes) };
        return (MeasuredLoad.Run(request, events.Add), events);
    }
}
