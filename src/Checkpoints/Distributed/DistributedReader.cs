using Loadline.Checkpoints.Assembly;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Index;

namespace Loadline.Checkpoints.Distributed;

/// <summary>
/// Opens a folder of torch.distributed.checkpoint: <c>.metadata</c> and the ranks' <c>*.distcp</c>. Each part of a tensor is a file of <c>torch.save</c>
/// inside one of these; its header says where its elements are. What lies in one part is where it is; what several ranks wrote is put together as it is read.
/// </summary>
internal static class DistributedReader
{
    /// <summary>The file that says what is where.</summary>
    public const string MetadataName = ".metadata";

    /// <summary>What the names of the ranks' files end in.</summary>
    public const string PartExtension = ".distcp";

    // More than any cluster has ranks.
    private const int MaxParts = 1 << 16;

    private static readonly EnumerationOptions Inaccessible = new() { IgnoreInaccessible = true };

    /// <summary>Refuses one rank's file, which holds some tensors whole, some in part and others not at all.</summary>
    public static CheckpointIndex RefusePart(SourceFile file) => throw file.Refuse(
        CheckpointError.Unsupported, $"is one rank's part of a torch.distributed.checkpoint: open its folder, {Folder(file)}");

    /// <summary>Opens the folder of a <c>.metadata</c>.</summary>
    public static CheckpointIndex Read(SourceFile file) => Read(Folder(file), file.Reads);

    /// <exception cref="CheckpointException">The metadata is refused, a file is missing, or parts do not make a tensor.</exception>
    public static CheckpointIndex Read(string folder, PositionedReads positioned)
    {
        using var file = SourceFile.Open(Path.Combine(folder, MetadataName), positioned);
        // Before what describes them is read: of a hundred thousand small tensors that takes more than its own bytes justify.
        foreach (var part in Directory.EnumerateFiles(folder, "*" + PartExtension, Inaccessible).Take(MaxParts)) file.Ledger.Expect(part, PathType.LengthOf(part));
        var metadata = DistributedMetadata.Read(file);
        var reads = new FileReads(positioned);
        var parts = new DistributedParts(folder, file, reads);
        parts.Read([.. metadata.Tensors.Where(t => t.DType is not null).SelectMany(t => t.Boxes.Select(b => b.Item)), .. metadata.Values.Select(v => v.Item)]);

        var (entries, unloadable, values) = (new List<TensorEntry>(metadata.Tensors.Count), new List<UnloadableTensor>(), new Dictionary<string, string>());
        foreach (var tensor in metadata.Tensors)
        {
            if (tensor.DType is not { } dtype) unloadable.Add(new UnloadableTensor(tensor.Name, "is quantized or of a dtype that is not known: save tensor.dequantize() instead"));
            else
            {
                var chunks = tensor.Boxes.ConvertAll(box => new TensorChunk(tensor.Shape, box.Offsets, parts.TensorOf(tensor.Name, dtype, box)));
                entries.Add(AssembledTensor.Assemble(tensor.Name, dtype, tensor.Shape, chunks, file.Path, file.Ledger));
            }
        }

        foreach (var (name, item) in metadata.Values)
        {
            if (metadata.Around.TryGetValue(name, out var inside)) parts.RequireEmpty(name, item, inside);
            parts.AddValue(name, item, values, entries, unloadable);
        }

        return new CheckpointIndex(folder, CheckpointFormat.Distributed, parts.Files, entries, values, reads, unloadable) { Notes = parts.Notes, Description = file.Path };
    }

    private static string Folder(SourceFile file) => Path.GetDirectoryName(file.Path) is { Length: > 0 } folder ? folder : ".";
}
