using System.Globalization;

namespace Loadline.Fuzz;

/// <summary>What became of mutants, counted, and the worst that any of them took. Children print it, the parent adds it up.</summary>
internal sealed class Sums
{
    private const string Mark = "sums ";
    private readonly long[] _values = new long[7];

    public long Refused => _values[(int)Fate.Refused];

    public long Opened => _values[(int)Fate.Opened];

    public long Loaded => _values[(int)Fate.Loaded];

    public long SlowestMilliseconds => _values[3];

    /// <summary>The mutant that took so long.</summary>
    public long Slowest => _values[6];

    public long MostAllocatedBytes => _values[4];

    public long MostAnonymousBytes => _values[5];

    public static Sums? TryParse(string line)
    {
        if (!line.StartsWith(Mark, StringComparison.Ordinal)) return null;
        var sums = new Sums();
        line[Mark.Length..].Split(' ').Select(t => long.Parse(t, CultureInfo.InvariantCulture)).ToArray().CopyTo(sums._values, 0);
        return sums;
    }

    public void Add(Fate fate) => _values[(int)fate]++;

    public void Measure(long number, TimeSpan processorTime, long allocatedBytes, long anonymousBytes)
    {
        TakeSlower(number, (long)processorTime.TotalMilliseconds);
        _values[4] = Math.Max(_values[4], allocatedBytes);
        _values[5] = Math.Max(_values[5], anonymousBytes);
    }

    public void Add(Sums other)
    {
        for (var i = 0; i < 3; i++) _values[i] += other._values[i];
        TakeSlower(other.Slowest, other.SlowestMilliseconds);
        for (var i = 4; i < 6; i++) _values[i] = Math.Max(_values[i], other._values[i]);
    }

    private void TakeSlower(long number, long milliseconds)
    {
        if (milliseconds > SlowestMilliseconds) (_values[3], _values[6]) = (milliseconds, number);
    }

    public override string ToString() => Mark + string.Join(' ', _values);
}
