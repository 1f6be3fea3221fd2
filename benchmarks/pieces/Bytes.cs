using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Tensors.Memory;

namespace Loadline.Benchmarks.Pieces;

/// <summary>What weights go through on their way, by pieces of 1 MiB that stay in the processor's cache; a copy is what the others are held against.</summary>
public class Bytes
{
    private readonly byte[] _source = new byte[BlockChecksum.BlockBytes];
    private readonly byte[] _target = new byte[BlockChecksum.BlockBytes];

    [GlobalSetup]
    public void Fill()
    {
        var values = new Random(1);
        for (var i = 0; i < _source.Length; i += sizeof(float)) BitConverter.TryWriteBytes(_source.AsSpan(i), values.NextSingle() - 0.5f);
    }

    [Benchmark(Baseline = true)]
    public void Copy() => _source.CopyTo(_target, 0);

    [Benchmark]
    public int Float32ToBFloat16() => DTypeConversion.Convert(DType.Float32, _source, DType.BFloat16, _target.AsSpan(0, _source.Length / 2));

    [Benchmark]
    public int Float32ToFloat16() => DTypeConversion.Convert(DType.Float32, _source, DType.Float16, _target.AsSpan(0, _source.Length / 2));

    [Benchmark]
    public int BFloat16ToFloat32() => DTypeConversion.Convert(DType.BFloat16, _source.AsSpan(0, _source.Length / 2), DType.Float32, _target);

    [Benchmark]
    public ulong Checksum() => BlockChecksum.Sum(0, _source);

    [Benchmark]
    public byte[] Sha256() => SHA256.HashData(_source);
}
