using Loadline.Checkpoints.Files;

namespace Loadline.Checkpoints.PerTensor;

/// <summary>
/// Reads a folder of <c>.pt</c> files with one bare tensor each; a tensor's name is its file's without the extension. Other files do not matter.
/// </summary>
internal static class PerTensorReader
{
    public const string Extension = ".pt";

    public static Checkpoint Read(string folder, string[] files, PositionedReads positioned)
    {
        var entries = new TensorEntry[files.Length];
        var reads = new FileReads(positioned);
        for (var i = 0; i < files.Length; i++) entries[i] = ReadOne(files[i], positioned, reads) with { Name = Path.GetFileNameWithoutExtension(files[i]) };
        return new Checkpoint(folder, CheckpointFormat.PerTensor, files, entries, new Dictionary<string, string>(), reads);
    }

    private static TensorEntry ReadOne(string path, PositionedReads positioned, FileReads reads)
    {
        using var file = SourceFile.Open(path, positioned);
        reads.Expect(file);
        // Closes the file at once: thousands of open files would be more than a process may have.
        using var checkpoint = FileFormats.Read(file);
        return checkpoint.Entries is [{ Name: "" } bare]
            ? bare
            : throw file.Refuse(
                CheckpointError.Malformed, $"holds {checkpoint.Entries.Count} named tensors, but in a folder of one file per tensor each holds one bare tensor");
    }
}
