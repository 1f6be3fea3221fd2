using System.Text;
using Loadline.Harness.Budgets;
using Loadline.Harness.Output;
using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>
/// The timeline of a case as a static drawing: anonymous, shared and mapped memory on top of each other, the cap and the budget as lines, phases
/// above, the device below. Drawn for a width of about 400 pixels; colours come from the page.
/// </summary>
internal sealed class TimelineChart
{
    private const double Left = 58, Right = 392, StripTop = 4, StripBottom = 20, Top = 32, Bottom = 180, DeviceTop = 200, DeviceBottom = 240;
    private const double CharWidth = 6.4;

    private readonly CaseResult _result;
    private readonly Timeline _line;
    private readonly StringBuilder _svg = new();
    private readonly ChartScale _time;
    private readonly ChartScale _memory;

    private TimelineChart(CaseResult result, Timeline line)
    {
        (_result, _line) = (result, line);
        _time = new ChartScale(Left, Right, Math.Max(line.Milliseconds[^1], 1));
        _memory = new ChartScale(Bottom, Top, 1.06 * Math.Max(result.CapBytes, Enumerable.Range(0, line.Milliseconds.Count).Max(i => Unreclaimable(i) + At(line.FileBytes, i))));
    }

    private bool HasDevice => _line.DeviceBytes is not null;

    /// <summary>The drawing as an <c>svg</c> element; null for a case without samples.</summary>
    /// <param name="result">The case.</param>
    /// <param name="id">Unique on the page.</param>
    public static string? Draw(CaseResult result, string id) =>
        result.Timeline is { Milliseconds.Count: > 0 } line ? new TimelineChart(result, line).Draw(id) : null;

    private string Draw(string id)
    {
        var height = (HasDevice ? DeviceBottom : Bottom) + 20;
        _svg.Append($"""<svg viewBox="0 0 400 {ChartScale.Text(height)}" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{Encode(_result.Name)}</title>""");
        _svg.Append($"""<desc id="{id}-d">{Encode(Description())}</desc>""");
        DrawPhases();
        DrawAxes(height);
        DrawMemory();
        if (HasDevice) DrawDevice();
        DrawLimits();
        DrawEnd();
        return _svg.Append("</svg>").ToString();
    }

    private string Description()
    {
        var row = CaseRow.Of(_result);
        var budget = row.Budget == "" ? "" : $", budget {row.Budget} MiB";
        var phase = _result.PeakPhase is { } name ? $" in phase {name}" : "";
        return $"Memory over {_time.Max / 1000:0.0} s: anonymous and shared memory peaked at {row.Peak} MiB{phase}{budget}, cap {row.Cap}; outcome {row.Outcome}.";
    }

    private void DrawPhases()
    {
        foreach (var (band, index) in PhaseBand.Of(_line, _time).Select((b, i) => (b, i)))
        {
            var (x, width) = (Text(band.From), Text(Math.Max(band.To - band.From, 0.5)));
            var tone = index % 2 == 0 ? "even" : "odd";
            _svg.Append($"""<g class="phase {tone}"><title>{Encode(band.Name)}</title><rect class="ground" x="{x}" y="{Top}" width="{width}" height="{Bottom - Top}"/><rect class="strip" x="{x}" y="{StripTop}" width="{width}" height="{StripBottom - StripTop}"/>""");
            var label = band.Name.Length * CharWidth + 6 <= band.To - band.From ? band.Name : null;
            if (label is not null) Label("phase-name", (band.From + band.To) / 2, StripBottom - 4, "middle", label);
            _svg.Append("</g>");
        }
    }

    private void DrawAxes(double height)
    {
        foreach (var (value, label) in _memory.Sizes())
        {
            var y = Text(_memory.At(value));
            _svg.Append($"""<path class="grid" d="M{Left} {y}H{Right}"/>""");
            Label("tick", Left - 6, _memory.At(value) + 3.5, "end", label);
        }

        foreach (var (value, label) in _time.Times()) Label("tick", _time.At(value), height - 6, value == 0 ? "start" : _time.At(value) > Right - 12 ? "end" : "middle", label);
    }

    private void DrawMemory()
    {
        Area("anon", _ => 0, i => At(_line.AnonBytes, i));
        if (_line.ShmemBytes is not null) Area("shmem", i => At(_line.AnonBytes, i), Unreclaimable);
        if (_line.FileBytes is not null) Area("file", Unreclaimable, i => Unreclaimable(i) + At(_line.FileBytes, i));
        if (_line.CgroupBytes is not null) Line("cgroup", _memory, i => Math.Min(At(_line.CgroupBytes, i), (long)_memory.Max));
    }

    private void DrawDevice()
    {
        var scale = new ChartScale(DeviceBottom, DeviceTop, Math.Max(1, _line.DeviceBytes!.Max()));
        _svg.Append($"""<path class="grid" d="M{Left} {DeviceTop}H{Right}M{Left} {DeviceBottom}H{Right}"/>""");
        Label("tick", Left - 6, DeviceTop + 3.5, "end", ByteSize.Format((long)scale.Max));
        Label("tick", Left - 6, DeviceBottom + 3.5, "end", "0");
        Label("device-name", Left + 5, DeviceTop + 12, "start", _result.Outcome == Outcome.DeviceOom ? "device, full" : "device");
        Line("device", scale, i => At(_line.DeviceBytes, i));
    }

    private void DrawLimits()
    {
        var cap = SizeText.InWords(_result.CapBytes);
        var y = Limit("cap", _result.CapBytes);
        var label = LimitName("cap", _result.Outcome == Outcome.Killed ? $"killed by the cap of {cap}" : $"cap {cap}");
        if (_result.BudgetBytes is { } bytes)
        {
            var budget = LimitName("budget", $"budget {CaseRow.Mib(bytes)} MiB");
            var ofBudget = Limit("budget", bytes);
            // Two labels do not fit between lines that lie close.
            if (ofBudget - y < 24) label += budget.Replace("<tspan", "<tspan dx=\"8\"");
            else Write(ofBudget, budget);
        }

        Write(y, label);

        // On the left, where a load holds little yet and the text stands on the ground.
        void Write(double line, string text) => _svg.Append($"""<text class="limit-name" x="{Text(Left + 5)}" y="{Text(line - 4)}">{text}</text>""");
        static string LimitName(string name, string text) => $"""<tspan class="{name}">{Encode(text)}</tspan>""";
    }

    private double Limit(string name, long bytes)
    {
        var y = _memory.At(bytes);
        _svg.Append($"""<path class="limit {name}" d="M{Left} {Text(y)}H{Right}"/>""");
        return y;
    }

    private void DrawEnd()
    {
        var last = _line.Milliseconds.Count - 1;
        var x = _time.At(_line.Milliseconds[last]);
        if (_result.Outcome == Outcome.Killed) Cross(x, _memory.At(Unreclaimable(last)), "killed by the cap");
        if (_result.Outcome == Outcome.Timeout) Cross(x, _memory.At(Unreclaimable(last)), "timed out");
        if (_result.Outcome == Outcome.DeviceOom && HasDevice) Cross(x, DeviceTop, "device full");
    }

    private void Cross(double x, double y, string why) =>
        _svg.Append($"""<g class="end"><title>{why}</title><path d="M{Text(x - 5)} {Text(y - 5)}l10 10m0 -10l-10 10"/></g>""");

    private void Area(string name, Func<int, long> lower, Func<int, long> upper) =>
        _svg.Append($"""<path class="area {name}" d="M{string.Join('L', Points(_memory, upper).Concat(Points(_memory, lower).Reverse()))}Z"/>""");

    private void Line(string name, ChartScale scale, Func<int, long> value) =>
        _svg.Append($"""<path class="line {name}" d="M{string.Join('L', Points(scale, value))}"/>""");

    // Without those in the middle of a level stretch, which are most of them.
    private IEnumerable<string> Points(ChartScale scale, Func<int, long> value)
    {
        var heights = Enumerable.Range(0, _line.Milliseconds.Count).Select(i => ChartScale.Drawn(scale.At(value(i)))).ToList();
        return Enumerable.Range(0, heights.Count)
            .Where(i => i == 0 || i == heights.Count - 1 || heights[i] != heights[i - 1] || heights[i] != heights[i + 1])
            .Select(i => $"{Text(_time.At(_line.Milliseconds[i]))} {Text(heights[i])}");
    }

    private void Label(string name, double x, double y, string anchor, string text) =>
        _svg.Append($"""<text class="{name}" x="{Text(x)}" y="{Text(y)}" text-anchor="{anchor}">{Encode(text)}</text>""");

    private long Unreclaimable(int index) => At(_line.AnonBytes, index) + At(_line.ShmemBytes, index);

    private static long At(IReadOnlyList<long>? column, int index) => column?[index] ?? 0;

    private static string Text(double position) => ChartScale.Text(position);

    private static string Encode(string text) => ResultPage.Encode(text);
}
