using Loadline.Checkpoints;

namespace Loadline.Harness.Inspection;

/// <summary>What is in a checkpoint, for people.</summary>
internal static class ContentsText
{
    /// <summary>A row a tensor under a head, and a last line with the sums. Storages that tensors share count once.</summary>
    public static string Of(Contents contents, long storageBytes)
    {
        List<string[]> rows = [["tensor", "dtype", "shape", "size", "shares with"]];
        if (contents.Tensors.Any(t => t.Sha256 is not null)) rows[0] = [.. rows[0], "sha256"];
        rows.AddRange(contents.Tensors.Select(t => Row(t)[..rows[0].Length]));

        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(r => r[column].Length)).ToArray();
        var lines = rows.Select(r => string.Join("  ", r.Select((text, column) => text.PadRight(widths[column]))).TrimEnd());
        var metadata = contents.Metadata.Select(m => $"{Printable(m.Key)} = {Printable(m.Value)}");
        var files = contents.Files.Count == 1 ? "1 file" : $"{contents.Files.Count} files";
        return string.Join("\n", [.. lines, .. metadata, $"{contents.Tensors.Count} tensors, {ByteSize.Format(storageBytes)}, {contents.Format}, {files}"]);
    }

    private static string[] Row(ContentsTensor t) =>
    [
        Printable(t.Name), t.DType, Shapes.Format([.. t.Shape]), ByteSize.Format(t.Bytes), Printable(t.SharesWith ?? ""), t.Sha256 ?? "",
    ];

    // A file chooses its names: control characters in them would steer the terminal.
    private static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c));
}
