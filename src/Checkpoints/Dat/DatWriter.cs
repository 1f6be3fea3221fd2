using System.Text;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Writing;

namespace Loadline.Checkpoints.Dat;

/// <summary>
/// Writes what TorchSharp's <c>Module.load</c> reads: the number of entries, and for each its name, dtype, shape and bytes. Numbers are LEB128, seven
/// bits a byte, lowest first. Source: TorchSharp's Module.save_state_dict and TensorExtensionMethods.Save.
/// </summary>
internal sealed class DatWriter : StreamedWriter
{
    private readonly PendingPath _path;
    private readonly IReadOnlyList<TensorDeclaration> _tensors;
    private readonly OutputFile _output;

    /// <param name="path">Its names.</param>
    /// <param name="tensors">What it holds.</param>
    /// <param name="neededBytes">What is to be written in all, for the error of a full disk.</param>
    public DatWriter(PendingPath path, IReadOnlyList<TensorDeclaration> tensors, long neededBytes)
        : base(tensors)
    {
        (_path, _tensors) = (path, tensors);
        _output = new OutputFile(path, neededBytes);
        try
        {
            WriteNumber(tensors.Count);
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
        var tensor = _tensors[index];
        var name = Encoding.UTF8.GetBytes(tensor.Name);
        WriteNumber(name.Length);
        _output.Write(name);
        WriteNumber(ScalarTypes.CodeOf(tensor.DType)!.Value);
        WriteNumber(tensor.Shape.Length);
        foreach (var size in tensor.Shape) WriteNumber(size);
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

    private void WriteNumber(long value)
    {
        for (; value >= 0x80; value >>= 7) _output.Write([(byte)(value | 0x80)]);
        _output.Write([(byte)value]);
    }
}
