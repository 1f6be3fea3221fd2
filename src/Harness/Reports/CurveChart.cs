using System.Globalization;
using System.Text;
using Loadline.Checkpoints;
using Loadline.Harness.Budgets;
using Loadline.Harness.Curves;
using Loadline.Harness.Output;

namespace Loadline.Harness.Reports;

/// <summary>
/// A curve as a static drawing: above, time against the cap, a line each; below, the zones of each line over the same caps. Its colours are
/// such that it can be read on a light and on a dark ground, because a picture in a README knows nothing of the page around it.
/// </summary>
internal sealed class CurveChart
{
    // What each begins with, beside its size: a picture of somebody else does not.
    private const string Start = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ";
    private const string Style = "font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#808890\" role=\"img\">";
    private const int MostSize = 24;
    private const int WideUnits = 860, NarrowUnits = 400;
    // As many letters as fit before the zones.
    private const int MostName = 24;
    private const double Top = 34, PlotHeight = 230, AxisHeight = 40;

    private static readonly string[] Colours =
    [
        "#2f77c9", "#8a63d2", "#d0679d", "#9a6b4f", "#3aa0d8", "#1f9e8f", "#5f7fa8", "#a4a000", "#b06ab3", "#808890", "#c76a2b", "#6a8f29", "#d1495b",
    ];

    private readonly CurveFile _curve;
    private readonly IReadOnlyList<CurveLine> _lines;
    private readonly bool _isWide;
    private readonly double _left, _right, _rowHeight;
    private readonly (double Low, double High) _caps, _seconds;
    private readonly StringBuilder _svg = new();

    private CurveChart(CurveFile curve, bool wide)
    {
        (_curve, _isWide) = (curve, wide);
        _lines = [.. curve.Lines.Where(line => line.Points.Any(point => point.Outcome.Lives()))];
        (_left, _right, _rowHeight) = wide ? (196, WideUnits - 176, 20) : (34, NarrowUnits - 10, 34);
        // The run with all of the RAM is no cap: what is drawn ends with the highest of the others.
        var caps = _lines.SelectMany(line => line.Points.SkipLast(1)).Select(point => point.CapBytes).DefaultIfEmpty(ByteSize.GiB).ToList();
        _caps = (caps.Min() / 1.12, caps.Max() * 1.12);
        var times = _lines.SelectMany(line => line.Points).Select(point => point.TotalSeconds).OfType<double>().Where(s => s > 0).DefaultIfEmpty(1).ToList();
        _seconds = (times.Min() / 1.25, times.Max() * 1.25);
    }

    private double Bottom => Top + PlotHeight;

    private double Height => Bottom + AxisHeight + 32 + _lines.Count * _rowHeight;

    /// <summary>The drawing as an <c>svg</c> element.</summary>
    /// <param name="curve">What was measured.</param>
    /// <param name="wide">For a width of 860 pixels and more; else for 400.</param>
    public static string Draw(CurveFile curve, bool wide = true) => new CurveChart(curve, wide).Draw();

    /// <summary>Whether a file is empty or such a picture, and so may be replaced by another.</summary>
    public static bool IsOne(string path)
    {
        using var reader = new StreamReader(path);
        var start = new char[Start.Length + MostSize + Style.Length];
        var begin = new string(start, 0, reader.ReadBlock(start));
        return begin.Length == 0 || (begin.StartsWith(Start, StringComparison.Ordinal) && begin.Contains(Style, StringComparison.Ordinal));
    }

    private string Draw()
    {
        var width = _isWide ? WideUnits : NarrowUnits;
        _svg.Append(CultureInfo.InvariantCulture, $"{Start}{width} {Text(Height)}\" {Style}");
        _svg.Append($"<title>{Encode(Title())}</title>");
        Label(4, 14, Title());
        if (_lines.Count == 1) DrawGround(_lines[0]);
        DrawAxes();
        foreach (var (index, line) in _lines.Index()) DrawLine(line, Colours[index % Colours.Length]);
        DrawZones();
        return _svg.Append("</svg>\n").ToString();
    }

    private string Title() => _curve.Checkpoint is { } checkpoint
        ? _isWide ? $"seconds to load {checkpoint} and use all of its weights {_curve.Passes} times, under each memory limit" : $"seconds: load and {_curve.Passes} uses, by memory limit"
        : "seconds of the program, under each memory limit";

    private double X(double bytes) =>
        _left + (_right - _left) * Math.Clamp(Math.Log(bytes / _caps.Low) / Math.Log(_caps.High / _caps.Low), 0, 1);

    private double Y(double seconds) => Bottom - PlotHeight * Math.Log(seconds / _seconds.Low) / Math.Log(_seconds.High / _seconds.Low);

    private void DrawAxes()
    {
        foreach (var seconds in Ticks())
        {
            Path($"M{Text(_left)} {Text(Y(seconds))}H{Text(_right)}", "#80889040", 1);
            Label(_left - 6, Y(seconds) + 4, seconds.ToString("0.##", CultureInfo.InvariantCulture) + (_isWide ? " s" : ""), "end");
        }

        var every = _isWide ? 2 : 4;
        for (var cap = ByteSize.MiB; cap < _caps.High; cap *= every)
        {
            if (cap < _caps.Low) continue;
            Path($"M{Text(X(cap))} {Text(Top)}V{Text(Height - 4)}", "#80889028", 1);
            Label(X(cap), Bottom + 17, SizeText.InWords(cap), "middle");
        }
    }

    private IEnumerable<double> Ticks()
    {
        for (var power = 0.001; power < 1e5; power *= 10)
        {
            foreach (var step in (double[])[1, 2, 5])
            {
                if (power * step >= _seconds.Low && power * step <= _seconds.High) yield return power * step;
            }
        }
    }

    private void DrawLine(CurveLine line, string colour)
    {
        var floorBytes = line.FloorBytes;
        var living = line.Points.Where(point => point.TotalSeconds > 0 && point.CapBytes >= floorBytes && point.CapBytes < _caps.High).ToList();
        for (var i = 1; i < living.Count; i++)
        {
            var thrashes = !living[i].IsAtEase && !living[i - 1].IsAtEase;
            Path($"M{At(living[i - 1])}L{At(living[i])}", colour, 2, thrashes ? "2 4" : living[i].IsAtEase && living[i - 1].IsAtEase ? "" : "1 2");
        }

        foreach (var point in living)
        {
            _svg.Append(CultureInfo.InvariantCulture, $"""<circle cx="{Text(X(point.CapBytes))}" cy="{Text(Y(point.TotalSeconds!.Value))}" r="2" fill="{colour}"><title>{Encode(Words(line, point))}</title></circle>""");
        }

        if (living.Count == 0) return;
        // Above what was measured more memory changes nothing, where it is at ease.
        if (living[^1].IsAtEase) Path($"M{At(living[^1])}H{Text(_right)}", colour, 1);
        var first = living[0];
        var (x, y) = (X(first.CapBytes), Y(first.TotalSeconds!.Value));
        // What lives under the lowest cap of all has not been seen to die.
        if (line.Points.Any(point => point.CapBytes < first.CapBytes)) Path($"M{Text(x - 10)} {Text(y - 4)}l8 8m0 -8l-8 8", colour, 2.2);
        if (living.FirstOrDefault(point => point.CapBytes == line.ComfortBytes) is { } comfort && comfort.CapBytes > first.CapBytes)
        {
            _svg.Append($"""<circle cx="{Text(X(comfort.CapBytes))}" cy="{Text(Y(comfort.TotalSeconds!.Value))}" r="5" fill="none" stroke="{colour}" stroke-width="2"/>""");
        }
    }

    private void DrawGround(CurveLine line)
    {
        foreach (var (from, to, zone) in Zones(line))
        {
            _svg.Append($"""<path d="M{Text(from)} {Text(Top)}H{Text(to)}V{Text(Bottom)}H{Text(from)}Z" fill="{zone.Colour}" opacity=".14"/>""");
            if (to - from > 8 * zone.Name.Length) Label((from + to) / 2, Top + 14, zone.Name, "middle");
        }
    }

    private void DrawZones()
    {
        var y = Bottom + AxisHeight + 10;
        var x = _left;
        foreach (var zone in Zone.All)
        {
            Path($"M{Text(x)} {Text(y - 4)}h16", zone.Colour, zone.Width);
            Label(x + 22, y, zone.Name);
            x += 22 + 7 * zone.Name.Length + 22;
        }

        if (_isWide)
        {
            Label(_right + 70, y, "floor", "end");
            Label(_right + 164, y, "at ease from", "end");
        }

        foreach (var (index, line) in _lines.Index()) DrawRow(line, Colours[index % Colours.Length], y + (_isWide ? 16 : 22) + index * _rowHeight);
    }

    private void DrawRow(CurveLine line, string colour, double y)
    {
        var bar = _isWide ? y : y + 14;
        if (_isWide)
        {
            Label(_left - 26, y + 4, Cut(line.Name, MostName), "end");
            Path($"M{Text(_left - 20)} {Text(y)}h14", colour, 3);
            Label(_right + 70, y + 4, CurveText.Size(line.FloorBytes), "end");
            Label(_right + 164, y + 4, CurveText.Size(line.ComfortBytes), "end");
        }
        else
        {
            Path($"M{Text(_left)} {Text(y - 3)}h14", colour, 3);
            var ease = line.ComfortBytes is { } comfort && comfort != line.FloorBytes ? $", at ease {CurveText.Size(comfort)}" : "";
            Label(_left + 20, y + 1, $"{Cut(line.Name, MostName)}: {CurveText.Size(line.FloorBytes)}{ease}");
        }

        foreach (var (from, to, zone) in Zones(line)) Path($"M{Text(from)} {Text(bar)}H{Text(to)}", zone.Colour, zone.Width);
    }

    private IEnumerable<(double From, double To, Zone Zone)> Zones(CurveLine line)
    {
        var floorBytes = line.FloorBytes;
        var floor = line.Points.Any(point => point.CapBytes < floorBytes) ? X(floorBytes ?? _caps.High) : _left;
        var comfort = line.ComfortBytes is { } bytes ? bytes == line.FloorBytes ? floor : X(bytes) : _right;
        if (floor > _left) yield return (_left, floor, Zone.Killed);
        if (comfort > floor) yield return (floor, comfort, Zone.Thrashes);
        if (_right > comfort) yield return (comfort, _right, Zone.AtEase);
    }

    private static string Words(CurveLine line, CurvePoint point) => string.Create(CultureInfo.InvariantCulture,
        $"{line.Name}, {SizeText.InWords(point.CapBytes)}: {point.Outcome.Name()}, {point.TotalSeconds:0.00} s{(point.PassSeconds is { } pass ? $", a use {pass:0.00} s" : "")}, reread {point.Reread:0.00}");

    private string At(CurvePoint point) => $"{Text(X(point.CapBytes))} {Text(Y(point.TotalSeconds!.Value))}";

    private void Path(string d, string colour, double width, string dashes = "") =>
        _svg.Append($"""<path d="{d}" fill="none" stroke="{colour}" stroke-width="{Text(width)}"{(dashes == "" ? "" : $" stroke-dasharray=\"{dashes}\"")}/>""").Append('\n');

    private void Label(double x, double y, string text, string anchor = "start") =>
        _svg.Append($"""<text x="{Text(x)}" y="{Text(y)}"{(anchor == "start" ? "" : $" text-anchor=\"{anchor}\"")}>{Encode(text)}</text>""").Append('\n');

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..(most - 1)] + "…";

    private static string Text(double position) => ChartScale.Text(position);

    // XML has no place for most control characters at all.
    private static string Encode(string text) => ResultPage.Encode(text);

    // Each zone has a width of its own, for those who cannot tell the colours apart.
    private sealed record Zone(string Name, string Colour, double Width)
    {
        public static readonly Zone Killed = new("killed", "#d1495b", 3);
        public static readonly Zone Thrashes = new("reads everything again", "#d99a2b", 7);
        public static readonly Zone AtEase = new("at ease", "#2f9e6e", 12);

        public static IReadOnlyList<Zone> All { get; } = [Killed, Thrashes, AtEase];
    }
}
