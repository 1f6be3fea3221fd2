using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Harness.Runs;

/// <summary>
/// Keeps the samples of a load of any length in bounded memory. When it is full, neighbours become one point that holds the higher readings of both:
/// the line gets coarser, but no maximum is ever lost.
/// </summary>
internal sealed class TimelineBuilder
{
    /// <summary>More than a chart shows.</summary>
    public const int MaxPoints = 240;

    private readonly List<Point> _points = new(MaxPoints);
    private int _samplesPerPoint = 1;
    private int _samplesInLast;

    public void Add(SampleEvent sample, string phase)
    {
        // Time goes forward, whatever a log says of it.
        var milliseconds = Math.Max((long)(sample.Seconds * 1000), _points.Count > 0 ? _points[^1].Milliseconds : 0);
        var point = new Point(
            milliseconds, phase, sample.AnonBytes, sample.ShmemBytes, sample.FileBytes, sample.CgroupBytes ?? 0, sample.DeviceBytes);
        if (_points.Count > 0 && _samplesInLast < _samplesPerPoint)
        {
            _points[^1] = _points[^1].With(point);
            _samplesInLast++;
            return;
        }

        if (_points.Count == MaxPoints) Halve();
        _points.Add(point);
        _samplesInLast = 1;
    }

    /// <summary>The points so far; null where there are none.</summary>
    public Timeline? Build()
    {
        if (_points.Count == 0) return null;
        var phases = _points.Select(p => p.Phase).Distinct().ToList();
        return new Timeline(
            Column(p => p.Milliseconds),
            Column(p => p.AnonBytes),
            Unless0(Column(p => p.ShmemBytes)),
            Unless0(Column(p => p.FileBytes)),
            Unless0(Column(p => p.CgroupBytes)),
            Unless0(Column(p => p.DeviceBytes)),
            Column(p => phases.IndexOf(p.Phase)),
            phases);
    }

    private static IReadOnlyList<long>? Unless0(IReadOnlyList<long> column) => column.All(v => v == 0) ? null : column;

    private List<long> Column(Func<Point, long> value) => [.. _points.Select(value)];

    private void Halve()
    {
        for (var i = 0; i < MaxPoints / 2; i++) _points[i] = _points[2 * i].With(_points[2 * i + 1]);
        _points.RemoveRange(MaxPoints / 2, MaxPoints / 2);
        _samplesPerPoint *= 2;
    }

    private readonly record struct Point(
        long Milliseconds, string Phase, long AnonBytes, long ShmemBytes, long FileBytes, long CgroupBytes, long DeviceBytes)
    {
        // Anonymous and shared memory stay together, with their moment and phase: their sum is the peak that budgets are held against.
        public Point With(Point other) => (other.AnonBytes + other.ShmemBytes > AnonBytes + ShmemBytes ? other : this) with
        {
            FileBytes = Math.Max(FileBytes, other.FileBytes),
            CgroupBytes = Math.Max(CgroupBytes, other.CgroupBytes),
            DeviceBytes = Math.Max(DeviceBytes, other.DeviceBytes),
        };
    }
}
