using BenchmarkDotNet.Attributes;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Pickles;
using Loadline.Checkpoints.Pth;
using Loadline.Checkpoints.Safetensors;

namespace Loadline.Benchmarks.Pieces;

/// <summary>What opening parses, from memory: a safetensors header, and the pickle of a state dict.</summary>
[MemoryDiagnoser]
public class Headers
{
    private const int Tensors = 413;

    private byte[] _header = [];
    private byte[] _pickle = [];

    [GlobalSetup]
    public void Take()
    {
        var path = ManyTensors.Write(CheckpointFormat.Safetensors, Tensors);
        var file = File.ReadAllBytes(path);
        _header = file[SafetensorsReader.LengthBytes..(SafetensorsReader.LengthBytes + BitConverter.ToInt32(file))];
        ManyTensors.Remove(path);
        _pickle = StateDictPickle.Write(ManyTensors.Declare(Tensors), [.. Enumerable.Range(0, Tensors)]);
    }

    [Benchmark]
    public int Header() => SafetensorsHeader.Parse(_header).Tensors.Count;

    [Benchmark]
    public object? Pickle()
    {
        var ledger = new Ledger();
        ledger.Add("w.pth", _pickle.Length);
        using var input = new PickleInput(_pickle, ledger);
        return new PickleMachine(input, new PickleContext("w.pth", ledger), StorageTable.Read).Run();
    }
}
