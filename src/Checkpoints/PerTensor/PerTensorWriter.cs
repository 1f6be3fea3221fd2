using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pth;
using Loadline.Checkpoints.Writing;

namespace Loadline.Checkpoints.PerTensor;

/// <summary>Writes a folder of <c>.pt</c> files, one bare tensor each.</summary>
internal sealed class PerTensorWriter : StreamedWriter
{
    private readonly PendingFolder _folder;
    private readonly IReadOnlyList<TensorDeclaration> _tensors;
    private readonly long _neededBytes;
    private OutputFile? _output;
    private PthArchive? _archive;

    public PerTensorWriter(PendingPath path, IReadOnlyList<TensorDeclaration> tensors, long neededBytes)
        : base(tensors)
    {
        (_folder, _tensors, _neededBytes) = (new PendingFolder(path, [PerTensorReader.Extension], neededBytes), tensors, neededBytes);
        try
        {
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
        _output = _folder.Create(_tensors[index].Name + PerTensorReader.Extension, _neededBytes);
        _archive = new PthArchive(_output, StateDictPickle.WriteBare(_tensors[index]));
        _archive.Begin(storageKey: 0, _tensors[index].ByteCount);
    }

    protected override void Append(ReadOnlySpan<byte> bytes) => _archive!.Append(bytes);

    protected override void AppendHole(long bytes) => _archive!.AppendHole(bytes);

    protected override void End()
    {
        _archive!.End();
        _archive.Complete();
        _output!.Dispose();
    }

    protected override void Complete()
    {
    }

    protected override void Publish() => _folder.Commit();

    protected override void Abandon()
    {
        _output?.Dispose();
        _folder.Remove();
    }
}
