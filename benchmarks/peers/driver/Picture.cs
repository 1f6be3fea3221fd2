using System.Text;
using Loadline.Harness.Reports;

namespace Loadline.Benchmarks;

/// <summary>Peak memory against the model's size, ours and theirs, as an SVG that reads well on light and dark pages.</summary>
internal static class Picture
{
    private const int Width = 720;
    private const int Height = 380;
    private const int Right = 530;
    private const int NameWidth = 90;

    private static readonly (string Name, string Label, string Color, string Dash)[] Lines =
    [
        ("load_state_dict", "PyTorch: load_state_dict", "#d1495b", ""),
        ("load_file", "safetensors: load_file", "#b7791f", ""),
        ("mmap assign", "PyTorch: mmap + assign", "#8a63d2", ""),
        ("eager", "Loadline: eager", "#2f77c9", "5 4"),
        ("streamed", "Loadline: streamed", "#2f77c9", ""),
        ("streamed onto sim", "Loadline: streamed, accelerator", "#1f9e8f", ""),
        ("mmap-assign", "Loadline: mmap-assign", "#1f9e8f", "5 4"),
    ];

    /// <summary>Who is in it.</summary>
    public static IEnumerable<string> Contenders => Lines.Select(l => l.Name);

    public static string Of(PeersRecord record)
    {
        var models = record.WeightBytes.OrderBy(m => m.Value).ToList();
        var peaks = Lines.Select(l => (Line: l, Points: models.Select(m => ((double)m.Value, (double)Peak(record, m.Key, l.Name))).ToList())).ToList();
        var x = new ChartScale(70, Right, models[^1].Value * 1.02);
        var y = new ChartScale(Height - 40, 24, peaks.Max(p => p.Points.Max(q => q.Item2)) * 1.04);

        var svg = new StringBuilder();
        svg.Append(null, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#808890\">\n");
        svg.Append("<text x=\"8\" y=\"14\">peak anonymous memory</text>\n");
        foreach (var (value, label) in y.Sizes())
        {
            svg.Append(null, $"<path d=\"M{x.From} {At(y, value)}H{Right}\" stroke=\"#80889040\"/><text x=\"62\" y=\"{At(y, value)}\" dy=\"4\" text-anchor=\"end\">{label}</text>\n");
        }

        // From the right: a name that would run into the next one moves to the left.
        var right = double.MaxValue;
        foreach (var (model, bytes) in models.AsEnumerable().Reverse())
        {
            var middle = Math.Min(x.At(bytes), right - NameWidth);
            svg.Append(null, $"<text x=\"{ChartScale.Text(middle)}\" y=\"{Height - 22}\" text-anchor=\"middle\">{model}</text><text x=\"{ChartScale.Text(middle)}\" y=\"{Height - 7}\" text-anchor=\"middle\">{ByteSize.Format(bytes)}</text>\n");
            right = middle;
        }

        foreach (var (line, points) in peaks)
        {
            var path = string.Join("L", points.Select(p => $"{At(x, p.Item1)} {At(y, p.Item2)}"));
            svg.Append(null, $"<path d=\"M{path}\" fill=\"none\" stroke=\"{line.Color}\" stroke-width=\"2\" stroke-dasharray=\"{line.Dash}\"/>\n");
        }

        foreach (var (line, labelY) in Apart(peaks.Select(p => (p.Line, Y: y.At(p.Points[^1].Item2)))))
            svg.Append(null, $"<text x=\"{Right + 8}\" y=\"{ChartScale.Text(labelY)}\" dy=\"4\" fill=\"{line.Color}\" font-size=\"11\">{line.Label}</text>\n");
        return svg.Append("</svg>\n").ToString();
    }

    private static long Peak(PeersRecord record, string model, string name) =>
        record.Rows.Where(r => r.Group == "load" && r.Model == model && r.Name == name).Max(r => r.PeakAnonymousBytes) ?? 0;

    private static string At(ChartScale scale, double value) => ChartScale.Text(scale.At(value));

    // From the top down, at least a line's height between two; those that would leave the drawing push the others up.
    private static IEnumerable<(T Line, double Y)> Apart<T>(IEnumerable<(T Line, double Y)> labels)
    {
        const double height = 15;
        var sorted = labels.OrderBy(l => l.Y).ToList();
        for (var i = 1; i < sorted.Count; i++) sorted[i] = (sorted[i].Line, Math.Max(sorted[i].Y, sorted[i - 1].Y + height));
        var lowest = Height - 40.0;
        for (var i = sorted.Count - 1; i >= 0; i--, lowest -= height) sorted[i] = (sorted[i].Line, Math.Min(sorted[i].Y, lowest));
        return sorted;
    }
}
