namespace Loadline.Gauges;

/// <summary>
/// A gauge that cannot be read. A missing reading is always this error, never zero: a zero would pass every budget.
/// The message is one line, "FILE: what is wrong".
/// </summary>
public sealed class GaugeException : Exception
{
    /// <summary>Creates the error for a file of the kernel's.</summary>
    public GaugeException(string file, string problem, Exception? inner = null)
        : base($"{file}: {problem}", inner) => File = file;

    /// <summary>The file, or the path, that could not be read.</summary>
    public string File { get; }
}
