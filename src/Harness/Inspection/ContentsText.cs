using System.Text;
using Loadline.Checkpoints;

namespace Loadline.Harness.Inspection;

/// <summary>
/// What is in a checkpoint, for people. Written in loops: LINQ over numbers is compiled at run time, which takes longer than the rest of a small
/// checkpoint's inspection.
/// </summary>
internal static class ContentsText
{
    private const int MaxLength = 200;

    /// <summary>
    /// A row a tensor under a head, the sums by dtype, the largest tensor, and a last line with the sums of all. Only the last line counts storages
    /// that tensors share once: shared bytes may have several dtypes.
    /// </summary>
    public static string Of(Contents contents, long storageBytes)
    {
        var text = new StringBuilder();
        AppendTable(text, contents.Tensors);
        foreach (var tensor in contents.Unloadable ?? []) text.Append($"{Printable(tensor.Name)} cannot be loaded: it {Printable(tensor.Reason)}\n");
        foreach (var note in contents.Notes ?? []) text.Append($"note: {Printable(note)}\n");
        text.Append('\n');
        foreach (var (key, value) in contents.Metadata) text.Append($"{Printable(key)} = {Printable(value)}\n");
        AppendSums(text, contents.Tensors);
        var files = contents.Files.Count == 1 ? "1 file" : $"{contents.Files.Count} files";
        return text.Append($"{Count(contents.Tensors.Count)}, {ByteSize.Format(storageBytes)}, {contents.Format}, {files}").ToString();
    }

    private static void AppendTable(StringBuilder text, IReadOnlyList<ContentsTensor> tensors)
    {
        List<string[]> rows = [["tensor", "dtype", "shape", "size", "shares with", tensors is [{ Sha256: not null }, ..] ? "sha256" : ""]];
        foreach (var tensor in tensors) rows.Add(Row(tensor));
        var widths = new int[rows[0].Length];
        foreach (var row in rows)
        {
            for (var column = 0; column < row.Length; column++) widths[column] = Math.Max(widths[column], row[column].Length);
        }

        foreach (var row in rows)
        {
            var last = Array.FindLastIndex(row, cell => cell.Length > 0);
            for (var column = 0; column < last; column++) text.Append(row[column]).Append(' ', widths[column] - row[column].Length + 2);
            text.Append(row[last]).Append('\n');
        }
    }

    private static void AppendSums(StringBuilder text, IReadOnlyList<ContentsTensor> tensors)
    {
        if (tensors.Count == 0) return;
        var sums = new Dictionary<string, DTypeSum>();
        var largest = tensors[0];
        foreach (var tensor in tensors)
        {
            if (!sums.TryGetValue(tensor.DType, out var sum)) sums.Add(tensor.DType, sum = new DTypeSum(tensor.DType));
            sum.Add(tensor);
            if (tensor.Bytes > largest.Bytes) largest = tensor;
        }

        List<DTypeSum> ordered = [.. sums.Values];
        ordered.Sort((a, b) => b.Bytes.CompareTo(a.Bytes));
        foreach (var sum in ordered) text.Append($"{sum}\n");
        text.Append($"largest: {Printable(largest.Name)}, {ByteSize.Format(largest.Bytes)}\n");
    }

    private static string Count(int tensors) => tensors == 1 ? "1 tensor" : $"{tensors} tensors";

    private static string[] Row(ContentsTensor t) =>
    [
        Printable(t.Name), t.DType, Printable(Shapes.Format(t.Shape.AsSpan())), ByteSize.Format(t.Bytes), Printable(t.SharesWith ?? ""), t.Sha256 ?? "",
    ];

    // A file chooses its names: they could steer the terminal, and one long enough would pad every row of a large table to its length.
    private static string Printable(string text) => PrintableText.Shorten(PrintableText.Escape(PrintableText.Shorten(text, MaxLength)), MaxLength);

    private sealed class DTypeSum(string dtype)
    {
        private int _tensors;

        public long Bytes { get; private set; }

        public void Add(ContentsTensor tensor) => (_tensors, Bytes) = (_tensors + 1, Bytes + tensor.Bytes);

        public override string ToString() => $"{dtype}: {Count(_tensors)}, {ByteSize.Format(Bytes)}";
    }
}
