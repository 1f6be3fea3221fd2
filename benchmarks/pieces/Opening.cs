using BenchmarkDotNet.Attributes;
using Loadline.Checkpoints;

namespace Loadline.Benchmarks.Pieces;

/// <summary>Opening and indexing a file that is cached: a tensor's share must not grow with their number.</summary>
[MemoryDiagnoser]
public class Opening
{
    private string _path = "";

    [Params(1_000, 10_000, 100_000)]
    public int Tensors { get; set; }

    [Params(CheckpointFormat.Safetensors, CheckpointFormat.Pth)]
    public CheckpointFormat Format { get; set; }

    [GlobalSetup]
    public void Write() => _path = ManyTensors.Write(Format, Tensors);

    [GlobalCleanup]
    public void Remove() => ManyTensors.Remove(_path);

    [Benchmark]
    public int Open()
    {
        using var checkpoint = Checkpoint.Open(_path);
        return checkpoint.Entries.Count;
    }
}
