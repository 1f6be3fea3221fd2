using Loadline.Checkpoints;

namespace Loadline.Harness.Inspection;

/// <summary>What is in a checkpoint, for people.</summary>
internal static class ContentsText
{
    private const int MaxLength = 200;

    /// <summary>
    /// A row a tensor under a head, the sums by dtype, the largest tensor, and a last line with the sums of all. Only the last line counts storages
    /// that tensors share once: shared bytes may have several dtypes.
    /// </summary>
    public static string Of(Contents contents, long storageBytes)
    {
        List<string[]> rows = [["tensor", "dtype", "shape", "size", "shares with"]];
        if (contents.Tensors.Any(t => t.Sha256 is not null)) rows[0] = [.. rows[0], "sha256"];
        rows.AddRange(contents.Tensors.Select(t => Row(t)[..rows[0].Length]));

        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(r => r[column].Length)).ToArray();
        var lines = rows.Select(r => string.Join("  ", r.Select((text, column) => text.PadRight(widths[column]))).TrimEnd());
        var metadata = contents.Metadata.Select(m => $"{Printable(m.Key)} = {Printable(m.Value)}");
        var files = contents.Files.Count == 1 ? "1 file" : $"{contents.Files.Count} files";
        var total = $"{Count(contents.Tensors.Count)}, {ByteSize.Format(storageBytes)}, {contents.Format}, {files}";
        return string.Join("\n", [.. lines, "", .. metadata, .. Sums(contents.Tensors), total]);
    }

    private static IEnumerable<string> Sums(IReadOnlyList<ContentsTensor> tensors)
    {
        if (tensors.Count == 0) yield break;
        foreach (var group in tensors.GroupBy(t => t.DType).OrderByDescending(g => g.Sum(t => t.Bytes)))
        {
            yield return $"{group.Key}: {Count(group.Count())}, {ByteSize.Format(group.Sum(t => t.Bytes))}";
        }

        var largest = tensors.MaxBy(t => t.Bytes)!;
        yield return $"largest: {Printable(largest.Name)}, {ByteSize.Format(largest.Bytes)}";
    }

    private static string Count(int tensors) => tensors == 1 ? "1 tensor" : $"{tensors} tensors";

    private static string[] Row(ContentsTensor t) =>
    [
        Printable(t.Name), t.DType, Printable(Shapes.Format([.. t.Shape])), ByteSize.Format(t.Bytes), Printable(t.SharesWith ?? ""), t.Sha256 ?? "",
    ];

    // A file chooses its names: they could steer the terminal, and one long enough would pad every row of a large table to its length.
    private static string Printable(string text) => PrintableText.Shorten(PrintableText.Escape(PrintableText.Shorten(text, MaxLength)), MaxLength);
}
