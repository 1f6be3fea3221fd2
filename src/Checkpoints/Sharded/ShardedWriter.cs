using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Safetensors;
using Loadline.Checkpoints.Writing;

namespace Loadline.Checkpoints.Sharded;

/// <summary>Writes a folder of safetensors shards with their index, as Hugging Face's libraries do.</summary>
internal sealed class ShardedWriter : StreamedWriter
{
    private readonly PendingFolder _folder;
    private readonly List<TensorDeclaration[]> _shards;
    private readonly IReadOnlyDictionary<string, string>? _metadata;
    private readonly long _neededBytes;
    private OutputFile? _output;
    private int _shard = -1;
    private int _next;

    public ShardedWriter(
        PendingPath path, IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata, long shardBytes, long neededBytes)
        : base(tensors)
    {
        _folder = new PendingFolder(path, [".safetensors", ".safetensors.index.json"], neededBytes);
        (_shards, _metadata, _neededBytes) = (ShardPlan.Of(tensors, shardBytes), metadata, neededBytes);
        try
        {
            ShardIndexWriter.RequireRoom(_folder.Target, _shards);
            Start();
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    protected override void Begin(int index)
    {
        if (index < _next) return;
        CompleteShard();
        _shard++;
        _next += _shards[_shard].Length;
        var header = SafetensorsHeaderWriter.Make(_folder.Target, _shards[_shard], _metadata);
        _output = Create(ShardPlan.FileName(_shard, _shards.Count));
        SafetensorsHeaderWriter.Write(_output, header);
    }

    protected override void Append(ReadOnlySpan<byte> bytes) => _output!.Write(bytes);

    protected override void AppendHole(long bytes) => _output!.Skip(bytes);

    protected override void End()
    {
    }

    protected override void Complete()
    {
        // A checkpoint without tensors has an empty shard, which no tensor began.
        if (_shard < 0) Begin(0);
        CompleteShard();
        using (var index = Create(ShardIndexWriter.FileName))
        {
            ShardIndexWriter.Write(index, _shards);
            index.Complete();
        }
    }

    protected override void Publish() => _folder.Commit();

    protected override void Abandon()
    {
        _output?.Dispose();
        _folder.Remove();
    }

    private OutputFile Create(string name) => _folder.Create(name, _neededBytes);

    private void CompleteShard()
    {
        _output?.Complete();
        _output?.Dispose();
    }
}
