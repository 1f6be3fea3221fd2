using Loadline.Harness.Budgets;
using Loadline.Harness.Floors;

namespace Loadline.Harness.Curves;

/// <summary>
/// Measures a line: caps in steps of two from above the largest peak down to where it lives no more, and between them, around each end of
/// the zone between, by bisection. What a line has already is not measured again.
/// </summary>
/// <param name="probed">What is run.</param>
/// <param name="prober">Runs it.</param>
/// <param name="save">Gets the line after each point.</param>
internal sealed class CurveRun(Probed probed, Prober prober, Action<CurveLine> save)
{
    /// <summary>Ends of zones lie as near as this to where they are drawn.</summary>
    private const double Finest = 1.025;

    /// <summary>The curve goes on above what all is at ease with by at least this much.</summary>
    private const double Above = 1.1;

    private CurveLine _line = new("", "", []);

    /// <summary>Measures what is missing of a line.</summary>
    public async Task<CurveLine> RunAsync(CurveLine begun)
    {
        if (begun.IsComplete) return begun;
        _line = begun with { Problem = null };
        try
        {
            await prober.BeginAsync();
            foreach (var (probe, run) in prober.Probes.Zip(prober.Runs)) Keep(CurvePoint.Of(probe, run));
            foreach (var cap in Steps())
            {
                if (!(await PointAsync(cap)).Outcome.Lives()) break;
            }

            await BisectAsync(point => point.Outcome.Lives());
            await BisectAsync(point => point.IsAtEase);
        }
        catch (FloorException e)
        {
            _line = _line with { Problem = e.Message };
        }

        // What stood in the way may be gone the next time.
        _line = _line with { IsComplete = _line.Problem is null };
        save(_line);
        return _line;
    }

    // The same caps for all lines, so that they can be compared: powers of two, of which all worth having are multiples of the lowest.
    private IEnumerable<long> Steps()
    {
        var needed = Above * Math.Max(probed.FloorGuess(prober.Reference), probed.ComfortGuess(prober.Reference));
        var cap = ByteSize.MiB;
        // A program may need less than is asked for.
        while (cap < Math.Max(needed, probed.LeastBytes) && cap * 2 < probed.Reference.CapBytes) cap *= 2;
        for (; cap >= probed.LeastBytes; cap /= 2) yield return cap;
    }

    private async Task BisectAsync(Func<CurvePoint, bool> holds)
    {
        while (true)
        {
            var holding = _line.Points.Reverse().TakeWhile(holds).LastOrDefault();
            var failing = _line.Points.LastOrDefault(point => point.CapBytes < (holding?.CapBytes ?? 0));
            if (holding is null || failing is null) return;
            var cap = (long)Math.Sqrt((double)holding.CapBytes * failing.CapBytes) / probed.StepBytes * probed.StepBytes;
            if (cap <= failing.CapBytes || (double)holding.CapBytes / failing.CapBytes <= Finest) return;
            await PointAsync(cap);
        }
    }

    private async Task<CurvePoint> PointAsync(long capBytes)
    {
        if (_line.Points.FirstOrDefault(point => point.CapBytes == capBytes) is { } known) return known;
        var (probe, run) = await prober.ProbeAsync(capBytes);
        return Keep(CurvePoint.Of(probe, run));
    }

    private CurvePoint Keep(CurvePoint point)
    {
        _line = _line.With(point);
        save(_line);
        return point;
    }
}
