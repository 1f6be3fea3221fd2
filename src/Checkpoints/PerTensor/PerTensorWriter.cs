using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Pth;

namespace Loadline.Checkpoints.PerTensor;

/// <summary>Writes a folder of <c>.pt</c> files, one bare tensor each.</summary>
internal sealed class PerTensorWriter : StreamedWriter
{
    private readonly PendingPath _path;
    private readonly IReadOnlyList<TensorDeclaration> _tensors;
    private readonly long _neededBytes;
    private OutputFile? _output;
    private PthArchive? _archive;

    public PerTensorWriter(string path, IReadOnlyList<TensorDeclaration> tensors, long neededBytes)
        : base(tensors)
    {
        (_path, _tensors, _neededBytes) = (new PendingPath(path), tensors, neededBytes);
        RefuseOtherFolders(_path.Target);
        MakeFolder();
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
        var file = Path.Combine(_path.Temporary, _tensors[index].Name + PerTensorReader.Extension);
        _output = new OutputFile(file, _path.Target, _neededBytes);
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

    protected override void Complete() => _path.CommitFolder();

    protected override void Abandon()
    {
        _output?.Dispose();
        _path.Remove();
    }

    private void MakeFolder()
    {
        try
        {
            Directory.CreateDirectory(_path.Temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiskSpace.Explain(_path.Target, _neededBytes, e);
        }
    }

    /// <summary>Commit removes the folder that it replaces: it has to be one that holds nothing but tensors.</summary>
    private static void RefuseOtherFolders(string folder)
    {
        if (File.Exists(folder)) throw new IOException($"{folder}: is a file, not a folder: remove it or choose another name");
        if (!Directory.Exists(folder)) return;
        var other = Directory.EnumerateFileSystemEntries(folder)
            .FirstOrDefault(f => !f.EndsWith(PerTensorReader.Extension, StringComparison.Ordinal) || Directory.Exists(f));
        if (other is not null) throw new IOException($"{folder}: is not replaced, because it holds more than .pt files: {Path.GetFileName(other)}");
    }
}
