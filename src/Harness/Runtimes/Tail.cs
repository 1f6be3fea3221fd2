namespace Loadline.Harness.Runtimes;

/// <summary>The last lines of a stream that may be long: errors stand at its end.</summary>
internal sealed class Tail
{
    private const int MaxLines = 40;

    // What is no text at all may have no line ends.
    private const int MaxCharacters = 1 << 14;

    private readonly Queue<string> _lines = new();

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<string> Lines => [.. _lines];

    public void Add(string line)
    {
        if (_lines.Count == MaxLines) _lines.Dequeue();
        _lines.Enqueue(line.Length > MaxCharacters ? line[..MaxCharacters] : line);
    }
}
