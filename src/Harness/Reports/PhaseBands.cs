using Loadline.Checkpoints;
using Loadline.Harness.Results;

namespace Loadline.Harness.Reports;

/// <summary>What a load was doing, from one position on the time axis to the next.</summary>
/// <param name="Phases">Its phase; several where they change too fast to be drawn one by one.</param>
/// <param name="From">The left edge.</param>
/// <param name="To">The right edge.</param>
internal sealed record PhaseBand(IReadOnlyList<string> Phases, double From, double To)
{
    // What phases that alternate for each tensor would be as bands: a pattern of stripes that says nothing.
    private const double NarrowWidth = 14;

    // A load has eight. A stranger's results may have one for each sample.
    private const int MostPhases = 16;
    private const int MostNameChars = 100;

    /// <summary>The bands of a timeline. Neighbours too narrow to be seen become one.</summary>
    public static IReadOnlyList<PhaseBand> Of(Timeline timeline, ChartScale time)
    {
        var bands = new List<PhaseBand>();
        for (var first = 0; first < timeline.PhaseOf.Count;)
        {
            var next = first + 1;
            while (next < timeline.PhaseOf.Count && timeline.PhaseOf[next] == timeline.PhaseOf[first]) next++;
            var end = next < timeline.PhaseOf.Count ? next : next - 1;
            var band = new PhaseBand(
                [timeline.Phases[(int)timeline.PhaseOf[first]]], time.At(first == 0 ? 0 : timeline.Milliseconds[first]), time.At(timeline.Milliseconds[end]));
            if (bands.Count > 0 && bands[^1].IsNarrow && band.IsNarrow) bands[^1] = bands[^1].With(band);
            else bands.Add(band);
            first = next;
        }

        return bands;
    }

    /// <summary>The phases' names.</summary>
    public string Name => string.Join(", ", Phases.Select(phase => PrintableText.Shorten(phase, MostNameChars))) + (Phases.Count < MostPhases ? "" : ", …");

    // A band that was put together stays open for more, however wide it has become.
    private bool IsNarrow => Phases.Count > 1 || To - From < NarrowWidth;

    private PhaseBand With(PhaseBand next)
    {
        var isTold = Phases.Count == MostPhases || Phases.Contains(next.Phases[0]);
        return next with { From = From, Phases = isTold ? Phases : [.. Phases, next.Phases[0]] };
    }
}
