using System.Globalization;
using System.Text;
using Loadline.Checkpoints;

namespace Loadline.Harness.Inspection;

/// <summary>
/// What is in a checkpoint, for people. Written in loops: LINQ over numbers is compiled at run time, which takes longer than the rest of a small
/// checkpoint's inspection, and joined with +: interpolation has to find itself a buffer first. Row by row: the text of all of them can be many times as long as the file.
/// </summary>
internal static class ContentsText
{
    private const int MaxLength = 200;

    // One long name pads every row: of many rows cells are as long as most names are.
    private const int ManyRows = 10_000;
    private const int LengthOfMany = 100;

    // Each write is a call of the kernel.
    private const int BlockCharacters = 1 << 15;
    private const string Spaces = "                                                                ";

    /// <summary>
    /// A row a tensor under a head, the sums by dtype, the largest tensor, and a last line with the sums of all. Only the last line counts storages
    /// that tensors share once: shared bytes may have several dtypes.
    /// </summary>
    public static void Print(TextWriter output, Contents contents, long storageBytes)
    {
        PrintTable(output, contents.Tensors);
        foreach (var tensor in contents.Unloadable ?? []) output.WriteLine($"{Printable(tensor.Name)} cannot be loaded: it {Printable(tensor.Reason)}");
        foreach (var note in contents.Notes ?? []) output.WriteLine($"note: {Printable(note)}");
        output.WriteLine();
        foreach (var (key, value) in contents.Metadata) output.WriteLine((key.Length > 0 ? Printable(key) : "the file") + " = " + Printable(value));
        PrintSums(output, contents.Tensors);
        var files = contents.Files.Count == 1 ? "1 file" : contents.Files.Count.ToString(CultureInfo.InvariantCulture) + " files";
        output.WriteLine(Count(contents.Tensors.Count) + ", " + ByteSize.Format(storageBytes) + ", " + contents.Format + ", " + files);
    }

    private static void PrintTable(TextWriter output, IReadOnlyList<ContentsTensor> tensors)
    {
        string[] head = ["tensor", "dtype", "shape", "size", "shares with", tensors is [{ Sha256: not null }, ..] ? "sha256" : ""];
        var widths = new int[head.Length];
        var most = tensors.Count > ManyRows ? LengthOfMany : MaxLength;
        for (var column = 0; column < head.Length; column++) widths[column] = head[column].Length;
        foreach (var tensor in tensors)
        {
            widths[0] = Math.Max(widths[0], Printable(tensor.Name, most).Length);
            widths[1] = Math.Max(widths[1], tensor.DType.Length);
            widths[2] = Math.Max(widths[2], LengthOf(Shapes.Span(tensor.Shape)));
            widths[3] = Math.Max(widths[3], ByteSize.Format(tensor.Bytes).Length);
            if (tensor.SharesWith is { } other) widths[4] = Math.Max(widths[4], Printable(other, most).Length);
        }

        // As of all cells; see Printable.
        widths[2] = Math.Min(widths[2], most + 1);
        var block = new StringBuilder();
        Append(block, head, widths);
        foreach (var tensor in tensors)
        {
            Append(block, Row(tensor, most), widths);
            if (block.Length < BlockCharacters) continue;
            output.Write(block.ToString());
            block.Clear();
        }

        output.Write(block.ToString());
    }

    private static void Append(StringBuilder line, string[] row, int[] widths)
    {
        var last = Array.FindLastIndex(row, cell => cell.Length > 0);
        for (var column = 0; column < last; column++)
        {
            // Not padded by the framework, whose loop over characters is compiled at run time as well.
            line.Append(row[column]);
            for (var left = widths[column] + 2 - row[column].Length; left > 0; left -= Spaces.Length) line.Append(Spaces, 0, Math.Min(left, Spaces.Length));
        }

        line.Append(row[last]).Append('\n');
    }

    private static void PrintSums(TextWriter output, IReadOnlyList<ContentsTensor> tensors)
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

        var ordered = new List<DTypeSum>(sums.Values);
        ordered.Sort((a, b) => b.Bytes.CompareTo(a.Bytes));
        foreach (var sum in ordered) output.WriteLine(sum.ToString());
        output.WriteLine("largest: " + Printable(largest.Name) + ", " + ByteSize.Format(largest.Bytes));
    }

    /// <summary>Of the shape's text, which is not made for it: there may be many, of many sizes.</summary>
    private static int LengthOf(ReadOnlySpan<long> shape)
    {
        var length = 2 * Math.Max(1, shape.Length);
        foreach (var size in shape)
        {
            length++;
            for (var rest = size / 10; rest > 0; rest /= 10) length++;
        }

        return length;
    }

    private static string Count(int tensors) => tensors == 1 ? "1 tensor" : tensors.ToString(CultureInfo.InvariantCulture) + " tensors";

    private static string[] Row(ContentsTensor t, int most) =>
    [
        Printable(t.Name, most), t.DType, Printable(Shapes.Format(Shapes.Span(t.Shape)), most), ByteSize.Format(t.Bytes), Printable(t.SharesWith ?? "", most), t.Sha256 ?? "",
    ];

    // A file chooses its names: they could steer the terminal, and one long enough would pad every row of a large table to its length.
    private static string Printable(string text, int most = MaxLength) => PrintableText.Shorten(PrintableText.Escape(PrintableText.Shorten(text, most)), most);

    private sealed class DTypeSum(string dtype)
    {
        private int _tensors;

        public long Bytes { get; private set; }

        public void Add(ContentsTensor tensor) => (_tensors, Bytes) = (_tensors + 1, Bytes + tensor.Bytes);

        public override string ToString() => dtype + ": " + Count(_tensors) + ", " + ByteSize.Format(Bytes);
    }
}
