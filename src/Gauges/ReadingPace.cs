namespace Loadline.Gauges;

/// <summary>How long to rest between two readings: so that on a slow machine, as an emulated one, whoever reads leaves something to the program that is read.</summary>
/// <param name="least">The shortest rest.</param>
internal sealed class ReadingPace(TimeSpan least)
{
    /// <summary>A rest is at least so many times as long as a reading usually takes.</summary>
    private const int LeastRest = 4;

    private const int ReadingsToTell = 16;

    private const int MostAboveUsual = 8;

    private TimeSpan _usual;

    /// <summary>The rest after a reading. One that was slow makes no slow machine.</summary>
    public TimeSpan RestAfter(TimeSpan reading)
    {
        var most = _usual * MostAboveUsual + least;
        _usual += ((reading < most ? reading : most) - _usual) / ReadingsToTell;
        return _usual * LeastRest > least ? _usual * LeastRest : least;
    }
}
