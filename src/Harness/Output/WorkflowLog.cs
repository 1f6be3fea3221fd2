using System.Text;

namespace Loadline.Harness.Output;

/// <summary>
/// A step's log in GitHub Actions, of which no line is a workflow command: the runner takes for one what begins with two colons behind blanks, and <c>##[</c>
/// anywhere in a line, on both streams, whoever wrote it. Source: <c>ActionCommand.cs</c> of github.com/actions/runner.
/// </summary>
/// <param name="inner">Where it goes.</param>
internal sealed class WorkflowLog(TextWriter inner) : TextWriter
{
    private bool _isBlank = true;
    private int _hashes;

    public override Encoding Encoding => inner.Encoding;

    /// <summary>A text of which no line is one, for what others print: a test's runner prints exceptions.</summary>
    public static string Escape(string text)
    {
        using var escaped = new StringWriter();
        using var log = new WorkflowLog(escaped);
        log.Write(text);
        return escaped.ToString();
    }

    public override void Write(char value)
    {
        if (Opens(value)) inner.Write(Escaped(value));
        else inner.Write(value);
    }

    public override void Write(string? value)
    {
        var text = new StringBuilder();
        foreach (var c in value ?? "")
        {
            if (Opens(c)) text.Append(Escaped(c));
            else text.Append(c);
        }

        inner.Write(text.ToString());
    }

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(new string(buffer));

    public override void WriteLine(string? value) => Write(value + "\n");

    public override void Flush() => inner.Flush();

    private static string Escaped(char c) => $"\\u{(int)c:x4}";

    /// <summary>Whether a character makes a command of its line.</summary>
    private bool Opens(char c)
    {
        var opens = (c == ':' && _isBlank) || (c == '[' && _hashes >= 2);
        _isBlank = c is '\n' or '\r' || (_isBlank && char.IsWhiteSpace(c));
        _hashes = c == '#' ? _hashes + 1 : 0;
        return opens;
    }
}
