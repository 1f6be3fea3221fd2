using System.Globalization;

namespace Loadline.Harness.Reports;

/// <summary>Where values lie on an axis of a chart, in units of the drawing.</summary>
/// <param name="From">The position of 0.</param>
/// <param name="To">The position of <paramref name="Max"/>; below <paramref name="From"/> where the axis points up.</param>
/// <param name="Max">The greatest value; positive.</param>
internal readonly record struct ChartScale(double From, double To, double Max)
{
    /// <summary>The position of a value.</summary>
    public double At(double value) => From + (To - From) * (value / Max);

    /// <summary>A position to the tenth that the drawing has of it.</summary>
    public static double Drawn(double position) => Math.Round(position, 1, MidpointRounding.AwayFromZero);

    /// <summary>Positions as the drawing has them.</summary>
    public static string Text(double position) => position.ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>About four sizes from 0 on, at steps of a power of two.</summary>
    public IEnumerable<(double Value, string Label)> Sizes()
    {
        var step = Math.Pow(2, Math.Ceiling(Math.Log2(Math.Max(Max / 4, 1))));
        for (double value = 0; value <= Max; value += step)
            yield return (value, value == 0 ? "0" : value < ByteSize.GiB ? ByteSize.Format((long)value) : FormattableString.Invariant($"{value / ByteSize.GiB:0.##} GiB"));
    }

    /// <summary>About four times from 0 on, of a scale in milliseconds, at steps of 1, 2 or 5.</summary>
    public IEnumerable<(double Value, string Label)> Times()
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(Max / 4)));
        var rough = Max / 4 / power;
        var step = power * (rough > 5 ? 10 : rough > 2 ? 5 : rough > 1 ? 2 : 1);
        for (double value = 0; value <= Max; value += step) yield return (value, (value / 1000).ToString("0.###", CultureInfo.InvariantCulture) + " s");
    }
}
