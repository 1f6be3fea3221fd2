using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Writing;

namespace Loadline.Checkpoints.Pth;

/// <summary>Writes a state dict as <c>torch.save</c> does.</summary>
internal sealed class PthWriter : StreamedWriter
{
    private readonly PendingPath _path;
    private readonly OutputFile _output;
    private readonly PthArchive _archive;
    private readonly int[] _keys;
    private readonly IReadOnlyList<TensorDeclaration> _tensors;

    public PthWriter(PendingPath path, IReadOnlyList<TensorDeclaration> tensors, long neededBytes)
        : base(tensors)
    {
        (_path, _tensors, _keys) = (path, tensors, StorageKeys(tensors));
        var pickle = StateDictPickle.Write(tensors, _keys);
        _output = new OutputFile(path, neededBytes);
        try
        {
            _archive = new PthArchive(_output, pickle);
            Start();
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    protected override void Begin(int index) => _archive.Begin(_keys[index], _tensors[index].ByteCount);

    protected override void Append(ReadOnlySpan<byte> bytes) => _archive.Append(bytes);

    protected override void AppendHole(long bytes) => _archive.AppendHole(bytes);

    protected override void End() => _archive.End();

    protected override void Complete()
    {
        _archive.Complete();
        _output.Dispose();
    }

    protected override void Publish() => _path.CommitFile();

    protected override void Abandon()
    {
        _output.Dispose();
        _path.RemoveFile();
    }

    /// <summary>Numbers the storages in order; a tensor that shares takes the number of the one it shares with.</summary>
    private static int[] StorageKeys(IReadOnlyList<TensorDeclaration> tensors)
    {
        var keyOf = new Dictionary<string, int>(tensors.Count);
        var keys = new int[tensors.Count];
        var next = 0;
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = tensors[i].SharesWith is { } other ? keyOf[other] : next++;
            keyOf.Add(tensors[i].Name, keys[i]);
        }

        return keys;
    }
}
