using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Writing;

namespace Loadline.Checkpoints.Safetensors;

/// <summary>Writes safetensors in the order declared, which readers accept: only that the buffer has no holes is asked for.</summary>
internal sealed class SafetensorsWriter : StreamedWriter
{
    private readonly PendingPath _path;
    private readonly OutputFile _output;

    public SafetensorsWriter(PendingPath path, IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata, long neededBytes)
        : base(tensors)
    {
        _path = path;
        var header = SafetensorsHeaderWriter.Make(path.Target, tensors, metadata);
        _output = new OutputFile(path, neededBytes);
        try
        {
            SafetensorsHeaderWriter.Write(_output, header);
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
    }

    protected override void Append(ReadOnlySpan<byte> bytes) => _output.Write(bytes);

    protected override void AppendHole(long bytes) => _output.Skip(bytes);

    protected override void End()
    {
    }

    protected override void Complete()
    {
        _output.Complete();
        _output.Dispose();
    }

    protected override void Publish() => _path.CommitFile();

    protected override void Abandon()
    {
        _output.Dispose();
        _path.RemoveFile();
    }
}
